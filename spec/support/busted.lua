-- guestlua spec/support/busted.lua [OPTION…] PATH…: runs busted inside guestlua, so that the specs run as a task. Ends with `N passed, N failed`.

package.path = "./?.lua;" .. package.path

arg[0] = "busted"
table.insert(arg, 1, "--output=spec.support.report")

-- busted ends with os.exit, which would leave the state with calls in flight; it ends as every script does instead.
local done = {}
os.exit = function(code) -- luacheck: ignore
  done.code = code
  error(done)
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
