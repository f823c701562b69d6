-- lua5.4 src/layers.lua BUILD-DIRECTORY: proves, for `make lint`, that src/ has one direction and no circle.
--
-- A file includes and calls only files of its own folder and of those before it in `order`, and no two files include or call each other in a
-- circle. A file is its .c and its .h together. Calls (and uses of data) are what the objects say: nm.

local order = { "text", "base", "loop", "call", "event", "element", "virt", "module", "program" }
local rank = {}
for i, folder in ipairs(order) do
  rank[folder] = i
end

local build = assert(arg[1], "the build directory is missing")
local faults = {}

local function lines(command)
  local pipe = assert(io.popen(command))
  local list = {}
  for line in pipe:lines() do
    list[#list + 1] = line
  end
  assert(pipe:close(), command)
  return list
end

-- "src/call/op.c" and "call/op.h" are "call/op". The public header belongs to the module.
local function name_of(path)
  local name = path:gsub("^src/", ""):gsub("%.[cho]$", "")
  return name == "guestlua" and "module/guestlua" or name
end

local uses = {} -- file -> the files that it uses -> how, for people

local function use(from, to, how)
  if from == to then
    return
  end
  uses[from] = uses[from] or {}
  uses[from][to] = uses[from][to] or how
  local own, other = rank[from:match("^[^/]+")], rank[to:match("^[^/]+")]
  if not own or not other then
    faults[("%s: in no folder of the order"):format(own and to or from)] = true
  elseif other > own then
    faults[("%s %s of %s: %s stands after %s"):format(from, how, to, order[other], order[own])] = true
  end
end

for _, path in ipairs(lines("find src -name '*.[ch]'")) do
  for line in io.lines(path) do
    local header = line:match('^#include "([^"]+)"')
    if header then
      use(name_of(path), name_of(header), "includes the header")
    end
  end
end

local objects, defined_in = {}, {}
for _, path in ipairs(lines("find src -name '*.c'")) do
  local name = name_of(path)
  local object = { name = name, wanted = {} }
  for _, line in ipairs(lines(("nm -P %s/%s.o"):format(build, name))) do
    local symbol, kind = line:match("^(%S+) (%a)")
    if kind == "U" then
      object.wanted[#object.wanted + 1] = symbol
    elseif kind and kind:match("%u") then
      defined_in[symbol] = name
    end
  end
  objects[#objects + 1] = object
end
for _, object in ipairs(objects) do
  for _, symbol in ipairs(object.wanted) do
    if defined_in[symbol] then
      use(object.name, defined_in[symbol], "uses " .. symbol)
    end
  end
end

-- A circle is found where the way back to a file that is still being walked is open.
local state, path = {}, {}
local function walk(name)
  state[name] = "open"
  path[#path + 1] = name
  for other in pairs(uses[name] or {}) do
    if state[other] == "open" then
      local circle = {}
      for i = #path, 1, -1 do
        table.insert(circle, 1, path[i])
        if path[i] == other then
          break
        end
      end
      faults["a circle: " .. table.concat(circle, " -> ") .. " -> " .. other] = true
    elseif not state[other] then
      walk(other)
    end
  end
  path[#path] = nil
  state[name] = "done"
end
for name in pairs(uses) do
  if not state[name] then
    walk(name)
  end
end

local list = {}
for fault in pairs(faults) do
  list[#list + 1] = "src: " .. fault
end
table.sort(list)
if list[1] then
  io.stderr:write(table.concat(list, "\n"), "\n")
  os.exit(false)
end
