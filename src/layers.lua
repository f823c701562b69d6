-- lua5.4 src/layers.lua BUILD-DIRECTORY [SOURCE-DIRECTORY]: proves, for `make lint`, that src/ has one direction and no circle.
--
-- A file includes and calls only files of its own folder and of those before it in `order`, and no two files include or call each other in a
-- circle. A file is its .c and its .h together. Calls (and uses of data) are what the objects say: nm. And no file has more than 400 lines, no
-- function more than 60.

local order = { "text", "base", "loop", "call", "event", "element", "virt", "nbd", "module", "program" }
local rank = {}
for i, folder in ipairs(order) do
  rank[folder] = i
end

local build, source = assert(arg[1], "the build directory is missing"), arg[2] or "src"
local MOST_LINES, MOST_IN_FUNCTION = 400, 60
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
  local name = (path:sub(1, #source + 1) == source .. "/" and path:sub(#source + 2) or path):gsub("%.[cho]$", "")
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

for _, path in ipairs(lines(("find %s -name '*.[ch]'"):format(source))) do
  local count, begins = 0, nil
  for line in io.lines(path) do
    count = count + 1
    local header = line:match('^#include "([^"]+)"')
    if header then
      use(name_of(path), name_of(header), "includes the header")
    end
    begins = line == "{" and count or begins
    if line == "}" and begins and count - begins > MOST_IN_FUNCTION then
      faults[("%s:%d: a function of %d lines: the most is %d"):format(path, begins, count - begins, MOST_IN_FUNCTION)] = true
    end
  end
  if count > MOST_LINES then
    faults[("%s: %d lines: the most is %d"):format(path, count, MOST_LINES)] = true
  end
end

local wanted, defined_in, paths = {}, {}, {}
for _, path in ipairs(lines(("find %s -name '*.c'"):format(source))) do
  paths[#paths + 1] = ("%s/%s.o"):format(build, name_of(path))
end
for _, line in ipairs(lines("nm -P -A " .. table.concat(paths, " "))) do
  local object, symbol, kind = line:match("^(%S+)%.o: (%S+) (%a)")
  local name = object:sub(#build + 2)
  if kind == "U" then
    wanted[#wanted + 1] = { name, symbol }
  elseif kind:match("%u") then
    defined_in[symbol] = name
  end
end
for _, want in ipairs(wanted) do
  if defined_in[want[2]] then
    use(want[1], defined_in[want[2]], "uses " .. want[2])
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
  list[#list + 1] = fault
end
table.sort(list)
if list[1] then
  io.stderr:write(table.concat(list, "\n"), "\n")
  os.exit(false)
end
