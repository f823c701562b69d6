-- What the specs share.

local assert = require("luassert")
local guestlua = require("guestlua")

local helper = {}

-- For the top of a describe: after each spec no call is in flight, and nothing of libvirt's is left.
function helper.leaves_nothing()
  local busted = require("busted")
  busted.after_each(function()
    collectgarbage()
    collectgarbage()
    local deadline = guestlua.now() + 60
    while guestlua.alive().ops > 0 and guestlua.now() < deadline do -- what the collector found is closed in the background
      guestlua.sleep(0.01)
    end
    assert.same({ tasks = 1, ops = 0, hosts = 0, guests = 0, subscriptions = 0 }, guestlua.alive())
  end)
end

-- The error that fn raises; fails where it raises none.
function helper.failure(fn, ...)
  local ok, e = pcall(fn, ...)
  assert.is_false(ok, "an error was expected")
  return e
end

function helper.quoted(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- Where the interpreter is that runs the specs.
helper.interpreter = arg and arg[-1] or "build/guestlua"

-- Runs a program to its end: its exit code, standard output and standard error.
function helper.run(command, input)
  local out, err = os.tmpname(), os.tmpname()
  local pipe = assert(io.popen(("timeout 120 %s >%s 2>%s"):format(command, out, err), "w"))
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
