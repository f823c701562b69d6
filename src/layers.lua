-- lua5.4 src/layers.lua BUILD-DIRECTORY [SOURCE-DIRECTORY [LUA-DIRECTORY [SPEC-DIRECTORY]]]: proves, for `make lint`, that src/ and lua/guestlua/
-- have one direction and no circle.
--
-- A file uses only files of its own folder and of those before it in the order, and no two files use each other in a circle. In C a file is its .c
-- and its .h together; it uses what it includes, and, as its object says (nm), what it calls. In Lua it uses what it requires, inside a function too.
-- And no file has more than 400 lines, in spec/ too, and no function more than 60.

local ORDER = {
  c = { "text", "base", "loop", "call", "event", "element", "virt", "nbd", "module", "program" },
  lua = { "base", "log", "task", "host", "guest", "disk", "workflow", "backup", "init", "sandbox", "prompt", "command" },
}
local MOST_LINES, MOST_IN_FUNCTION = 400, 60

local build, source, lua = assert(arg[1], "the build directory is missing"), arg[2] or "src", arg[3] or "lua/guestlua"
local spec = arg[4] or "spec"
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

-- "src/call/args.c" and "call/args.h" are "call/args", "lua/guestlua/base/json.lua" is "base/json". The public header belongs to the module.
local function name_of(path, root)
  local name = (path:sub(1, #root + 1) == root .. "/" and path:sub(#root + 2) or path):gsub("%.[a-z]+$", "")
  return name == "guestlua" and "module/guestlua" or name
end

-- The uses between files in one language. The table is file -> the files that it uses.
local function graph(order)
  local rank, uses = {}, {}
  for i, folder in ipairs(order) do
    rank[folder] = i
  end
  return uses, function(from, to, how)
    if from == to then
      return
    end
    uses[from] = uses[from] or {}
    uses[from][to] = true
    local own, other = rank[from:match("^[^/]+")], rank[to:match("^[^/]+")]
    if not own or not other then
      faults[("%s: in no folder of the order"):format(own and to or from)] = true
    elseif other > own then
      faults[("%s %s of %s: %s stands after %s"):format(from, how, to, order[other], order[own])] = true
    end
  end
end

local function check_length(path, count)
  if count > MOST_LINES then
    faults[("%s: %d lines: the most is %d"):format(path, count, MOST_LINES)] = true
  end
end

-- Calls fn with each line, and checks the lengths on the way. A function begins and ends with lines that match.
local function read(path, begins, ends, fn)
  local count, begun = 0, nil
  for line in io.lines(path) do
    count = count + 1
    fn(line)
    begun = line:find(begins) and count or begun
    if line:find(ends) and begun then
      if count - begun > MOST_IN_FUNCTION then
        faults[("%s:%d: a function of %d lines: the most is %d"):format(path, begun, count - begun, MOST_IN_FUNCTION)] = true
      end
      begun = nil
    end
  end
  check_length(path, count)
end

-- A circle is a path back to a file that is still being walked.
local function find_circles(uses)
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
end

local function check_c()
  local uses, use = graph(ORDER.c)
  for _, path in ipairs(lines(("find %s -name '*.[ch]'"):format(source))) do
    read(path, "^{$", "^}$", function(line)
      local header = line:match('^#include "([^"]+)"')
      if header then
        use(name_of(path, source), name_of(header, source), "includes the header")
      end
    end)
  end
  local wanted, defined_in, objects = {}, {}, {}
  for _, path in ipairs(lines(("find %s -name '*.c'"):format(source))) do
    objects[#objects + 1] = ("%s/%s.o"):format(build, name_of(path, source))
  end
  for _, line in ipairs(lines("nm -P -A " .. table.concat(objects, " "))) do
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
  find_circles(uses)
end

-- "workflow/steps" for require("guestlua.workflow.steps"): a folder's init.lua has the folder's name.
local function check_lua()
  local uses, use = graph(ORDER.lua)
  local files, is_file = lines(("find %s -name '*.lua'"):format(lua)), {}
  for _, path in ipairs(files) do
    is_file[name_of(path, lua)] = true
  end
  for _, path in ipairs(files) do
    read(path, "^[^ %-].*%f[%w]function%f[%W]", "^end", function(line)
      for module in line:gmatch('require[%s(,]*"guestlua%.?([%w_.]*)"') do
        local name = module:gsub("%.", "/")
        name = is_file[name] and name or name == "" and "init" or name .. "/init"
        if is_file[name] then -- not the core, the terminal or the manual, which are not written in Lua
          use(name_of(path, lua), name, "requires the module")
        end
      end
    end)
  end
  find_circles(uses)
end

-- A describe is a function of any length.
local function check_spec()
  for _, path in ipairs(lines(("find %s -name '*.lua' -o -name '*.[ch]'"):format(spec))) do
    local count = 0
    for _ in io.lines(path) do
      count = count + 1
    end
    check_length(path, count)
  end
end

check_c()
check_lua()
check_spec()

local list = {}
for fault in pairs(faults) do
  list[#list + 1] = fault
end
table.sort(list)
if list[1] then
  io.stderr:write(table.concat(list, "\n"), "\n")
  os.exit(false)
end
