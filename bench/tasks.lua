-- What tasks cost that wait: tasks.lua WAIT TASKS, where WAIT is sleep or events. Prints two numbers for a task, the bytes that the process grew by
-- and those that Lua knows of, and then the ns that it took until all of them waited.

local wait, count = ...
count = tonumber(count)
local host = guestlua.open("test:///default")
local guest = host:guest("test")

local function rss()
  local file <close> = assert(io.open("/proc/self/status"))
  return tonumber(file:read("a"):match("VmRSS:%s*(%d+) kB")) * 1024
end

local waits = {
  sleep = function()
    guestlua.sleep(3600)
  end,
  events = function()
    for _ in guest:events({ "lifecycle" }) do end -- luacheck: ignore 542
  end,
}

local function all_wait()
  guestlua.sleep(0)
  return wait == "sleep" or guestlua.alive().subscriptions == count
end

do -- what the first of its kind loads and starts is no task's
  local first = guestlua.spawn(waits[wait])
  guestlua.sleep(0.1)
  first:cancel()
  pcall(first.wait, first)
end
collectgarbage()
collectgarbage()
local process, lua = rss(), collectgarbage("count") * 1024
local began = guestlua.now()
local tasks = table.pack()
for i = 1, count do
  tasks[i] = guestlua.spawn(waits[wait])
end
repeat until all_wait()
local seconds = guestlua.now() - began
assert(guestlua.alive().tasks == count + 1)
collectgarbage()
collectgarbage()
print(("%.0f %.0f %.0f"):format((rss() - process) / count, (collectgarbage("count") * 1024 - lua) / count, seconds * 1e9))
