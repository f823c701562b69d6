-- guestlua top on a terminal that is smaller than what it is made for.

local helper = require("spec.support.helper")
local screen = require("spec.support.screen")

describe("guestlua top", function()
  it("is cut to a terminal of a few columns and lines, and wraps nothing", function()
    if not os.execute("command -v tmux >/dev/null") then
      return pending("no tmux")
    end
    local view <close> = screen.start(helper.interpreter .. " -c test:///default top --delay 0.2", { columns = 12, lines = 3 })
    view:matches("^guestlua top\n[^\n]+\ntest")
  end)
end)
