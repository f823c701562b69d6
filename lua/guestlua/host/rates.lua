-- Rates per second, from two results of host:stats or guest:stats.

local define = require("guestlua.base.define")

local rates = {}

local function set(words)
  local names = {}
  for word in words:gmatch("%S+") do
    names[word] = true
  end
  return names
end

-- The counters that only grow while a guest runs, by libvirt's names, with # for any number; a word with * stands for any. All other values are
-- sizes or states, which have no rate.
local COUNTERS = set("cpu.time cpu.user cpu.system cpu.haltpoll.success.time cpu.haltpoll.fail.time "
  .. "balloon.swap_in balloon.swap_out balloon.major_fault balloon.minor_fault balloon.hugetlb_pgalloc balloon.hugetlb_pgfail "
  .. "vcpu.#.time vcpu.#.wait vcpu.#.delay vcpu.#.*.sum vm.*.sum "
  .. "net.#.rx.bytes net.#.rx.pkts net.#.rx.errs net.#.rx.drop net.#.tx.bytes net.#.tx.pkts net.#.tx.errs net.#.tx.drop "
  .. "block.#.rd.reqs block.#.rd.bytes block.#.rd.times block.#.wr.reqs block.#.wr.bytes block.#.wr.times "
  .. "block.#.fl.reqs block.#.fl.bytes block.#.fl.times block.#.errors perf.*")

-- The values of perf that are states nevertheless.
local GAUGES = set("perf.cmt perf.mbmt perf.mbml")

local function is_counter(path)
  return not GAUGES[path] and (COUNTERS[path] or COUNTERS[(path:gsub("%.[^.#]+%.sum$", ".*.sum"))] or COUNTERS[(path:gsub("^perf%..*$", "perf.*"))])
    or false
end

-- The entries of block and net by their names: their numbers change if one before them goes.
local function by_name(list)
  local found = {}
  for key, entry in pairs(list) do
    if type(key) == "number" and type(entry) == "table" and entry.name then
      -- with "backing" all images of a disk have the disk's name
      found[entry.name .. "\0" .. tostring(entry.backingIndex)] = entry
    end
  end
  return found
end

local between

local function entries_between(a, b, path, seconds)
  local found, before = {}, by_name(a)
  for key, entry in pairs(b) do
    if type(key) == "number" and type(entry) == "table" then
      local old = entry.name and before[entry.name .. "\0" .. tostring(entry.backingIndex)]
      local one = old and between(old, entry, path .. ".#", seconds)
      if one then
        one.name, found[key] = entry.name, one
      end
    end
  end
  return next(found) and found
end

-- The rates of a part of a guest's statistics; nil: it has none.
function between(a, b, path, seconds)
  if path == "block" or path == "net" then
    return entries_between(a, b, path, seconds)
  end
  local found = {}
  for key, value in pairs(b) do
    local old, name = a[key], (path and path .. "." or "") .. (type(key) == "number" and "#" or key)
    if type(value) == "table" and type(old) == "table" then
      found[key] = between(old, value, name, seconds)
    elseif math.type(value) and math.type(old) and value >= old and is_counter(name) then
      found[key] = (value - old) / seconds
    end
  end
  return next(found) and found
end

local function time_of(name, stats)
  local metatable = getmetatable(stats)
  if type(metatable) ~= "table" or not metatable.at then
    define.bad("rates", name, "an answer of host:stats or guest:stats expected, got another table")
  end
  return metatable.at, metatable.guests
end

define(rates, "guestlua", {
  name = "rates",
  help = "The rates per second between two results of host:stats, or of guest:stats: bytes, requests, nanoseconds of processor time. Disks and "
    .. "network interfaces are known by their names. A counter that went down has no rate, because the guest was restarted; nor has a value "
    .. "that only one of the two has, nor a size or a state.",
  result = "table",
  returns = "a table like the two, with rates: guestlua.rates(a, b).web.cpu.time / 1e9 is the number of busy processors",
  params = {
    { name = "a", type = "table", positional = true, required = true, help = "the earlier answer" },
    { name = "b", type = "table", positional = true, required = true, help = "the later one" },
  },
  run = function(a, b)
    local from, guests = time_of("a", a)
    local to, same = time_of("b", b)
    if guests ~= same then
      define.bad("rates", "b", "one is of a host, and the other of a guest")
    elseif to <= from then
      define.bad("rates", "b", "it is not later than the other one")
    elseif not guests then
      return between(a, b, nil, to - from) or {}
    end
    local found = {}
    for name, stats in pairs(b) do
      found[name] = a[name] and between(a[name], stats, nil, to - from)
    end
    return found
  end,
})

return rates
