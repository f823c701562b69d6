-- Functions that the specs share.

local assert = require("luassert")
local guestlua = require("guestlua")

local helper = {}

local function counts_now()
  local counts = guestlua.alive()
  counts.hosts = counts.hosts - require("spec.support.tiny").hosts()
  return counts
end

local function alive()
  collectgarbage()
  collectgarbage()
  local deadline = guestlua.now() + 60
  while guestlua.alive().ops > 0 and guestlua.now() < deadline do -- collected objects are closed in the background
    guestlua.sleep(0.01)
  end
  return counts_now()
end

-- The objects that are alive, which are these if nothing has changed: to collect all garbage takes longer than most specs.
local function alive_since(known)
  local counts = counts_now()
  for what, count in pairs(counts) do
    if not known or known[what] ~= count then
      return alive()
    end
  end
  return counts
end

-- For the top of a describe: each spec leaves no call in flight and no new libvirt object. The functions, which may be nil,
-- run before and after each spec.
function helper.leaves_nothing(setup, teardown)
  local busted = require("busted")
  local before
  busted.before_each(function()
    before = alive_since(before)
    if setup then
      setup()
    end
  end)
  busted.after_each(function()
    if teardown then
      teardown()
    end
    assert.same(before, alive_since(before))
  end)
end

-- For the end of the run: the objects that should be alive then.
function helper.leaves_nothing_at_all()
  local left = alive()
  left.tasks = left.tasks - 1 -- the calling task
  for what, count in pairs(left) do
    if count ~= 0 then
      error(("after all specs %d %s are left"):format(count, what), 0)
    end
  end
end

-- Boots a tiny guest for all specs of a describe; the table returned becomes it.
function helper.machine(options)
  local busted = require("busted")
  local shared = {}
  busted.lazy_setup(function()
    local machine = require("spec.support.tiny").boot(options)
    setmetatable(shared, { __index = machine, __close = function() getmetatable(machine).__close(machine) end })
  end)
  busted.lazy_teardown(function()
    if getmetatable(shared) then -- it has booted
      getmetatable(shared).__close()
    end
    setmetatable(shared, nil)
  end)
  return shared
end

-- The error that fn raises; fails if it raises none.
function helper.failure(fn, ...)
  local ok, e = pcall(fn, ...)
  assert.is_false(ok, "an error was expected")
  return e
end

-- The condition's result, which is true if it came true within so many seconds.
function helper.within(seconds, condition)
  local deadline = guestlua.now() + seconds
  while true do
    local result = condition()
    if result or guestlua.now() > deadline then
      return result
    end
    guestlua.sleep(0.01)
  end
end

-- Waits until the condition's result is true, and returns it; fails, saying what did not come, after so many seconds, which no machine should need.
function helper.await(condition, what, seconds)
  local result = helper.within(seconds or 120, condition)
  assert.is_truthy(result, what)
  return result
end

-- The first event that has these fields; what comes before it is dropped.
function helper.await_event(events, wanted)
  local deadline = guestlua.now() + require("spec.support.tiny").TIMEOUT
  while true do
    local event = events:next(math.max(deadline - guestlua.now(), 0))
    assert.is_truthy(event, "the event did not come")
    local fits = true
    for key, value in pairs(wanted) do
      fits = fits and event[key] == value
    end
    if fits then
      return event
    end
  end
end

function helper.quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- What a command of the shell prints; its arguments are put in as by string.format.
function helper.sh(command, ...)
  local code, out, err = helper.run("sh -c " .. helper.quoted(command:format(...)))
  assert.equal(0, code, err)
  return out
end

-- An empty directory: it is removed when all specs are over, with all names from os.tmpname.
function helper.scratch()
  local directory = os.tmpname()
  os.remove(directory)
  assert.is_true(os.execute("mkdir " .. directory))
  return directory
end

-- A file system with room for so many MiB, for the specs of a describe: the table returned has its path, unless they run without root. It has to come
-- before what starts a daemon, which sees no later mounts.
function helper.small(mib)
  local busted, small = require("busted"), {}
  busted.lazy_setup(function()
    local directory = helper.scratch()
    if os.execute(("mount -t tmpfs -o size=%dm,mode=777 tmpfs %s 2>/dev/null"):format(mib, directory)) then
      small.path = directory
    end
  end)
  busted.lazy_teardown(function()
    if small.path then
      os.execute(("umount -l %s; rmdir %s"):format(small.path, small.path))
    end
  end)
  return small
end

-- The path of the interpreter that runs the specs.
helper.interpreter = arg and arg[-1] or "build/guestlua"

-- Runs a program to its end: its exit code, standard output and standard error.
function helper.run(command, input)
  local out, err = os.tmpname(), os.tmpname()
  local pipe = assert(io.popen(("timeout -s KILL 600 %s >%s 2>%s"):format(command, out, err), "w"))
  pipe:write(input or "")
  local _, how, code = pipe:close()
  local function take(path)
    local file = assert(io.open(path))
    local text = file:read("a")
    file:close()
    os.remove(path)
    return text
  end
  return how == "signal" and 128 + code or code, take(out), take(err)
end

-- Runs guestlua with these arguments.
function helper.guestlua(arguments, input)
  return helper.run(helper.interpreter .. " " .. arguments, input)
end

return helper
