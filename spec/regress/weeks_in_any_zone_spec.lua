-- A prune with { weekly = n } took Mondays for days of the week before, on machines that are more than twelve hours ahead of UTC: noon of the day was
-- read as a time there, and its week was that of the day in UTC.

local helper = require("spec.support.helper")

describe("A week of backups", function()
  it("begins on Monday, whatever the time zone", function()
    for _, zone in ipairs({ "UTC", "XXX-14", "XXX+12", "XXX-12:45" }) do
      local code, out, err = helper.run(("env TZ=%s %s -"):format(zone, helper.interpreter), [[
        local week = require("guestlua.backup.prune").PERIODS.weekly
        for _, day in ipairs({ "2024-01-07", "2024-01-08", "2024-12-29", "2024-12-30", "2025-01-05", "2025-01-06" }) do
          io.write(week(day .. "T00:30:00Z"), " ")
        end
      ]])
      assert.same({ 0, "2024-01 2024-02 2024-52 2025-01 2025-01 2025-02 ", "" }, { code, out, err }, zone)
    end
  end)
end)
