-- The numbers that a live migration goes by.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local migrate = require("guestlua.workflow.migrate.plan")

describe("The numbers of a live migration", function()
  -- The reference's tables.
  it("are downtimes that grow", function()
    local function pairs_of(...)
      local list = {}
      for i, step in ipairs(migrate.downtime_steps(...)) do
        list[i] = { step.after, step.ms }
      end
      return list
    end
    assert.same({ { 0, 50 }, { 150, 95 }, { 300, 140 }, { 450, 185 }, { 600, 230 }, { 750, 275 }, { 900, 320 }, { 1050, 365 }, { 1200, 410 },
      { 1350, 455 }, { 1500, 500 } }, pairs_of(2))
    assert.same({ { 0, 40 }, { 90, 76 }, { 180, 112 }, { 270, 148 }, { 360, 184 }, { 450, 220 }, { 540, 256 }, { 630, 292 }, { 720, 328 },
      { 810, 364 }, { 900, 400 } }, pairs_of(3, 400, 10, 30))
  end)

  it("say when it is time for which", function()
    local steps = { { after = 9000, ms = 50 }, { after = 18000, ms = 200 } }
    assert.is_nil(migrate.downtime_at(steps, 5000))
    assert.is_nil(migrate.downtime_at(steps, 9000))
    assert.equal(50, migrate.downtime_at(steps, 11000))
    assert.equal(200, migrate.downtime_at(steps, 22000))
    assert.is_nil(migrate.downtime_at(migrate.downtime_steps(2), 0))
    assert.is_nil(migrate.downtime_at({}, 1))
  end)

  it("count by the memory and the disks, 2 GiB at least for each", function()
    assert.equal(2, migrate.data_gb(128 << 20, 0, 0))
    assert.equal(3, migrate.data_gb(3 << 30, 0, 0))
    assert.equal(6, migrate.data_gb(1 << 30, 1 << 30, 2))
    assert.equal(12, migrate.data_gb(2 << 30, 10 << 30, 1))
  end)

  -- The list of steps is made at each look: a thousand million of them ended the process in the middle of a migration.
  it("have limits", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    local function refused(options)
      return helper.failure(guestlua.workflow.live_migrate, guest, host, options)
    end
    for option, most in pairs({ downtime = 2000000, downtime_steps = 1000 }) do
      local above = ("cannot be more than %d"):format(most)
      for value, said in pairs({ [0] = "from 1 up", [most + 1] = above, [math.maxinteger] = above }) do
        local e = refused({ [option] = value })
        assert.same({ "bad_argument", option }, { e.kind, e.argument })
        assert.matches(said, e.message, 1, true)
      end
      assert.equal("destination_uri", refused({ [option] = most }).argument) -- which is checked later
    end
  end)
end)
