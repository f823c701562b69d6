-- Costs in instructions, counted by valgrind: the same on a busy machine as on a quiet one. `make bench-check` fails if one of them is more than 1.05
-- times the count that bench/counts.lua has for this distribution; `build/guestlua bench/count.lua --write` writes the present counts there.

local guestlua = require("guestlua")

local MOST = 1.05
local FILE = "bench/counts.lua"

-- Scripts that do a thing N times: the count is the difference between two runs, per time. Without `from` it is the whole of one run.
-- most: in the place of MOST, as threads do not take turns the same way each time.
local OPEN = 'local n = tonumber(...) local host = guestlua.open("test:///default") local guest = host:guest("test") '
local ROWS = {
  { "start", "" },
  { "start to first answer", 'assert(guestlua.open("test:///default"):guest("test"):is_active())' },
  { "is_active", OPEN .. "for _ = 1, n do local _ = guest:is_active() end", from = 1000, to = 5000 },
  { "get_info", OPEN .. "for _ = 1, n do local _ = guest:get_info() end", from = 1000, to = 3000 },
  { "a call of many at once", OPEN .. [[
    local tasks = {}
    for i = 1, n do tasks[i] = guestlua.spawn(guest.get_info, guest) end
    for i = 1, n do tasks[i]:wait() end]], from = 500, to = 3000, most = 1.3 },
  { "a task", "local n = tonumber(...) for _ = 1, n do guestlua.spawn(function() guestlua.sleep(0) end) end guestlua.sleep(0) guestlua.sleep(0)",
    from = 500, to = 2500 },
  { "an event", OPEN .. [[
    local events <close> = guest:subscribe("lifecycle")
    for i = 1, n do guest[i % 2 == 1 and "pause" or "resume"](guest) events:next() end]], from = 100, to = 500, most = 1.2 },
  { "a subscription of a task", OPEN .. [[
    local first, waits = guest:subscribe("lifecycle"), guestlua.spawn(guestlua.sleep, 60)
    for _ = 1, n do guest:subscribe("lifecycle"):close() end
    waits:cancel() first:close()]], from = 500, to = 2500 },
  { "a line of the log", "local n = tonumber(...) for i = 1, n do guestlua.log.info('x', { i = i }) end", from = 500, to = 2500 },
}
for _, size in ipairs({ 5, 50, 500 }) do
  local devices = [[
    local disks = {}
    local letters
    function letters(i)
      return (i > 26 and letters((i - 1) // 26) or "") .. string.char(97 + (i - 1) % 26)
    end
    for i = 1, SIZE do
      disks[i] = ("<disk type='file'><source file='/images/%d'/><target dev='vd%s' bus='virtio'/></disk>"):format(i, letters(i))
    end
    local host, n = guestlua.open("test:///default"), tonumber(...)
    local guest = host:write_instance_config(("<domain type='test'><name>devices</name><memory>1024</memory><os><type>hvm</type></os>"
      .. "<devices>%s</devices></domain>"):format(table.concat(disks)))
    for _ = 1, n do assert(CALL) end]]
  for name, call in pairs({ get_all_devices = "#guest:get_all_devices() >= SIZE", get_disk = 'guest:get_disk("vda")' }) do
    local script = devices:gsub("CALL", call):gsub("SIZE", tostring(size))
    ROWS[#ROWS + 1] = { ("%s of %d"):format(name, size), script, from = 1, to = 1 + 1000 // size }
  end
end
table.sort(ROWS, function(a, b)
  return a[1] < b[1]
end)

-- "debian 12 x86_64 avx2": glibc has other functions for other processors.
local function platform()
  local file <close> = assert(io.open("/etc/os-release"))
  local text = "\n" .. file:read("a")
  local cpu <close> = io.open("/proc/cpuinfo")
  local avx2 = cpu and cpu:read("a"):find(" avx2 ", 1, true) and " avx2" or ""
  local code, machine = guestlua.run("uname", { args = { "-m" } })
  assert(code == 0)
  return ("%s %s %s%s"):format(text:match('\nID="?([^"\n]*)'), text:match('\nVERSION_ID="?([^"\n]*)') or "", machine:match("%S+"), avx2)
end

-- How many instructions a run of the script takes. Log and output of the script go nowhere.
local function count(path, times)
  local code, _, errors = guestlua.run("valgrind", {
    args = { "--tool=callgrind", "--callgrind-out-file=/dev/null", "build/guestlua", "--log-level=error", path, times and tostring(times) },
    timeout = 600,
  })
  local instructions = errors:match("Collected : (%d+)")
  if code ~= 0 or not instructions then
    error(errors, 0)
  end
  return tonumber(instructions)
end

local function measure(row)
  local path = os.tmpname()
  local remove <close> = setmetatable({}, { __close = function() os.remove(path) end }) -- luacheck: ignore remove
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(row[2]))
  file:close()
  if not row.from then
    return count(path)
  end
  return (count(path, row.to) - count(path, row.from)) // (row.to - row.from)
end

local function write(all)
  local file <close> = assert(io.open(FILE, "w"))
  file:write("-- Written by bench/count.lua --write: instructions, by distribution.\nreturn {\n")
  local platforms = {}
  for name in pairs(all) do
    platforms[#platforms + 1] = name
  end
  table.sort(platforms)
  for _, name in ipairs(platforms) do
    file:write(("  [%q] = {\n"):format(name))
    for _, row in ipairs(ROWS) do
      local counted = all[name][row[1]]
      file:write(counted and ("    [%q] = %d,\n"):format(row[1], counted) or "")
    end
    file:write("  },\n")
  end
  file:write("}\n")
end

local loaded, all = pcall(dofile, FILE)
all = loaded and all or {}
local here = platform()
local known, now, failed = all[here] or {}, {}, false
for _, row in ipairs(ROWS) do
  local counted, before = measure(row), known[row[1]]
  local ratio = before and counted / before
  now[row[1]] = counted
  local more = ratio ~= nil and ratio > (row.most or MOST)
  failed = failed or more
  print(("%-24s %12d  %s"):format(row[1], counted, not ratio and "not known of " .. here or ("%.3f%s"):format(ratio,
    more and "  MORE THAN BEFORE" or "")))
end
if arg[1] == "--write" then
  all[here] = now
  write(all)
elseif failed then
  error(("more than %g times what %s has: see what costs it, or say why in the commit that writes the new number"):format(MOST, FILE), 0)
end
