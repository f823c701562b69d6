-- Prints the table of bench/run: table.lua DIRECTORY, where MEASURE.runs has a line for each run, as spawn.c prints them.
-- A line of a contender that was not run has its name and why.

local directory = ...

-- The contenders of a file, { name = , runs = {{ ns = , kib = , answer = }} }, in the order in which they ran; then those that did not,
-- { name = , why = }.
local function read(name)
  local list, missing, by_name = {}, {}, {}
  for line in io.lines(directory .. "/" .. name .. ".runs") do
    local contender, ns, kib, answer = line:match("^([^\t]*)\t(%d+)\t(%d+)\t(.*)$")
    if not contender then
      local who, why = line:match("^([^\t]*)\t(.*)$")
      missing[#missing + 1] = { name = who, why = why }
    else
      if not by_name[contender] then
        by_name[contender] = { name = contender, runs = {} }
        list[#list + 1] = by_name[contender]
      end
      table.insert(by_name[contender].runs, { ns = tonumber(ns), kib = tonumber(kib), answer = answer })
    end
  end
  return table.move(missing, 1, #missing, #list + 1, list)
end

-- The contenders of a measure, each with its values, and the same by name.
local function contenders_of(m)
  local list, by_name = {}, {}
  for _, c in ipairs(read(m.file)) do
    if not m.only or m.only:find("|" .. c.name .. "|", 1, true) then
      list[#list + 1], by_name[c.name] = c, not c.why and c or nil
      c.values = {}
      for i, run in ipairs(c.runs or {}) do
        c.values[i] = m.value(run)
      end
    end
  end
  return list, by_name
end

local function median(values)
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local half = #sorted // 2
  return #sorted % 2 == 1 and sorted[half + 1] or (sorted[half] + sorted[half + 1]) / 2
end

-- Round by round, so that what slows the machine for a while slows both sides of a ratio.
local function median_ratio(values, yardstick)
  local ratios = {}
  for i = 1, math.min(#values, #yardstick) do
    ratios[i] = values[i] / yardstick[i]
  end
  return median(ratios)
end

local function least(values)
  return math.min(table.unpack(values))
end

local function hundredth(values) -- from the top
  local sorted = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  return sorted[math.ceil(#sorted * 0.99)]
end

-- How a contender's values are compared with a yardstick's: the number, and how it is written.
local function ratio(m, values, yardstick) -- luacheck: ignore 212
  local r = median_ratio(values, yardstick)
  return r, ("%.2f x"):format(r)
end

-- Where runs are not rounds.
local function ratio_of_all(m, values, yardstick)
  local r = m.of(values) / m.of(yardstick)
  return r, ("%.2f x"):format(r)
end

-- A loop without system calls: whatever took longer than the least was disturbed.
local function difference(m, values, yardstick) -- luacheck: ignore 212
  local d = least(values) - least(yardstick)
  return d, ("%+.0f ns to"):format(d)
end

local function ns(run)
  return run.ns
end

local function kib(run)
  return run.kib
end

-- The n-th number of the answer.
local function answer(n)
  return function(run)
    local i = 0
    for number in run.answer:gmatch("%S+") do
      i = i + 1
      if i == n then
        return tonumber(number)
      end
    end
  end
end

-- A snapshot's whole command, without the guest's writing.
local function command(run)
  return run.ns - answer(1)(run)
end

local C, virsh, nova = { "C" }, { "virsh" }, { "Nova, connected" }
local by_command, connected = "|virsh|guestlua|", "|Nova, connected|guestlua, connected|"
local fifty = { "50 connections" }
local one_by_one = { "one by one", "the slowest alone" }

-- file: MEASURE; value(run) and of(values): what is shown; to: the yardsticks that the other contenders are compared with; goal: for the first
-- comparison of those contenders that are guestlua; limit: for what is shown of them; below: whom they must not exceed either.
local ms, seconds = { form = "%.1f ms", unit = 1e6 }, { form = "%.2f s", unit = 1e9 }
local precise_ms, bytes = { form = "%.3f ms", unit = 1e6 }, { form = "%.0f bytes", unit = 1 }
local nanoseconds = { form = "%.0f ns", unit = 1 }
local measures = {
  { file = "first_answer", what = "start to first answer", value = ns, shown = ms, of = median, compare = ratio, to = C, goal = 1.3 },
  { file = "first_answer", what = "peak memory of that", value = kib, shown = { form = "%.1f MiB", unit = 1024 }, of = median, compare = ratio,
    to = C, goal = 1.5 },
  { file = "is_active", what = "guest:is_active()", value = answer(1), shown = nanoseconds, of = least, compare = difference, to = C, goal = 200,
    below = "python3-libvirt" },
  { file = "name", what = "guest.name", value = answer(1), shown = nanoseconds, of = least, compare = difference, to = C, goal = 200,
    below = "python3-libvirt" },
  { file = "sandbox", what = "is_active(), sandbox", value = answer(1), shown = { form = "%.1f us", unit = 1e3 }, of = least, compare = ratio,
    to = { "guestlua --sandbox" }, limit = 1e5 },
  { file = "remote", what = "is_active(), libvirtd", value = answer(1), shown = { form = "%.1f us", unit = 1e3 }, of = median, compare = ratio,
    to = C, goal = 1.1 },
  { file = "stats", what = "host:stats(), 1,000 guests", value = answer(1), shown = ms, of = median, compare = ratio,
    to = { "C", "guest by guest" }, goal = 1.2 },
  { file = "event", what = "event to next line", value = ns, shown = precise_ms, of = median, compare = ratio_of_all, to = C, limit = 1e6 },
  { file = "event", what = "event, 99th percentile", value = ns, shown = precise_ms, of = hundredth, compare = ratio_of_all, to = C },
  { file = "tasks", what = "memory, a waiting task", value = answer(1), shown = bytes, of = median, limit = 4096 },
  { file = "tasks", what = "Lua's part of that", value = answer(2), shown = bytes, of = median },
  { file = "tasks", what = "start of 10,000 tasks", value = answer(3), shown = seconds, of = median, limit = 1e9 },
  { file = "connections", what = "memory, a connection", value = answer(1), shown = { form = "%.1f KiB", unit = 1024 }, of = median, compare = ratio,
    to = fifty, goal = 1.2 },
  { file = "connections", what = "a connection's answer", value = answer(2), shown = precise_ms, of = median, compare = ratio,
    to = fifty, goal = 1.5 },
  { file = "daemons", what = "20 daemons' answers", value = ns, shown = precise_ms, of = median, compare = ratio,
    to = { "one absent" }, goal = 1.2 },
  { file = "map_calls", what = "200 test guests, calls", value = ns, shown = ms, of = median, compare = ratio, to = one_by_one },
  { file = "map_waits", what = "200 test guests, waits", value = ns, shown = ms, of = median, compare = ratio, to = one_by_one },
  { file = "map_exec", what = "8 real guests, exec", value = ns, shown = seconds, of = median, compare = ratio, to = one_by_one },
  { file = "map_snapshot", what = "8 real guests, snapshot", value = ns, shown = seconds, of = median, compare = ratio, to = one_by_one },
  { file = "snapshot_idle", what = "snapshot, commit: idle", value = command, only = by_command, shown = ms, of = median, compare = ratio,
    to = virsh },
  { file = "snapshot_idle", what = "", value = answer(2), only = connected, shown = ms, of = median, compare = ratio, to = nova },
  { file = "snapshot_dirty", what = "snapshot, commit: 256 MiB", value = command, only = by_command, shown = ms, of = median, compare = ratio,
    to = virsh },
  { file = "snapshot_dirty", what = "", value = answer(2), only = connected, shown = ms, of = median, compare = ratio, to = nova },
}

local rows = { { "measured", "contender", "value", "compared", "goal", "" } }

-- The comparisons of a contender as they are shown, and the number of the first.
local function compared(m, c, by_name)
  local first, texts = nil, {}
  for _, name in ipairs(m.to or {}) do
    if c.name == name then
      return "" -- one yardstick is not compared with the next
    elseif by_name[name] then
      local number, text = m.compare(m, c.values, by_name[name].values)
      first = first or number
      texts[#texts + 1] = text .. " " .. name
    end
  end
  return table.concat(texts, ", "), first
end

-- The goal as it is shown, and whether it is met.
local function judge(m, c, number, by_name)
  if m.limit then
    return "<= " .. m.shown.form:format(m.limit / m.shown.unit), m.of(c.values) <= m.limit
  elseif not m.below then
    return ("<= %g x"):format(m.goal), number <= m.goal
  end
  local other = by_name[m.below] -- where it is missing that half of the goal is not met
  return ("<= %+d ns, below Python"):format(m.goal), number <= m.goal and other and least(c.values) < least(other.values)
end

for _, m in ipairs(measures) do
  local list, by_name = contenders_of(m)
  for i, c in ipairs(list) do
    local row = { i == 1 and m.what or "", c.name, c.why or m.shown.form:format(m.of(c.values) / m.shown.unit), "", "", "" }
    if not c.why then
      local number
      row[4], number = compared(m, c, by_name)
      if c.name:find("^guestlua") and (m.limit or m.goal and number) then
        local goal, met = judge(m, c, number, by_name)
        row[5], row[6] = goal, met and "met" or "MISSED"
      end
    end
    rows[#rows + 1] = row
  end
end

local widths = {}
for _, row in ipairs(rows) do
  for i, cell in ipairs(row) do
    widths[i] = math.max(widths[i] or 0, #cell)
  end
end
for n, row in ipairs(rows) do
  local cells = {}
  for i, cell in ipairs(row) do
    cells[i] = cell .. (" "):rep(widths[i] - #cell)
  end
  print("| " .. table.concat(cells, " | ") .. " |")
  if n == 1 then
    for i, width in ipairs(widths) do
      cells[i] = ("-"):rep(width)
    end
    print("|-" .. table.concat(cells, "-|-") .. "-|")
  end
end
print([[

Of a ratio: the median of the rounds' ratios. Of ns: the least of all rounds. Else: the median of the rounds.
event: from libvirt's call of its callback, in a thread, to the next line of who waits. 200 test guests, waits: calls that take 5 ms (four of a
connection are under way at a time), and 25 ms between them; calls: none waits. snapshot, commit: without what the guest writes between the two;
connected: in a process that has opened its connection. A connection: of so many made after 64 others, by a fleet, until its host has listed its
guests. 20 daemons: without one of them, and with that one stopped, less the 2 s that it has.]])
