-- guestlua spec/support/busted.lua [OPTION…] PATH…: runs busted inside guestlua, so that the specs run as a task. Ends with `N passed, N failed`.

package.path = "./?.lua;" .. package.path

-- What a spec counts before and after itself does not change in the middle of it.
require("guestlua.core").slice(0)
-- busted forgets the modules that a file of specs was the first to load; what they made would be there twice.
require("guestlua.base.define").load_all()

arg[0] = "busted"
table.insert(arg, 1, "--output=spec.support.report")

-- busted ends with os.exit, which would leave the state with calls in flight; instead it ends as every script does.
local done = {}
os.exit = function(code) -- luacheck: ignore
  done.code = code
  error(done)
end

-- All files of the run, including leftovers of failed specs, go below one directory, which is removed at its end. Emulators of another user have
-- access.
local pipe <close> = assert(io.popen("mktemp -d -t guestlua.XXXXXX"))
local directory = assert(pipe:read())
assert(os.execute("chmod 755 " .. directory))
local remove <close> = setmetatable({}, {
  __close = function()
    os.execute("rm -rf " .. directory)
  end,
})
-- What a spec leaves in a journal that has no other place is no business of who runs it by hand.
local has_luv, uv = pcall(require, "luv")
if has_luv and not os.getenv("XDG_STATE_HOME") then
  uv.os_setenv("XDG_STATE_HOME", directory .. "/state")
end
local files = 0
os.tmpname = function() -- luacheck: ignore
  files = files + 1
  local path = ("%s/%d"):format(directory, files)
  assert(io.open(path, "w")):close()
  return path
end

local helper = require("spec.support.helper")
local ok, failure = pcall(function()
  require("busted.runner")({ standalone = false })
end)
if not ok and failure ~= done then
  error(failure, 0)
elseif done.code and done.code ~= true and done.code ~= 0 then
  error("specs failed", 0)
end
helper.leaves_nothing_at_all()
