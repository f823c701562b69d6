-- guest:detach_device_with_retry(), against a device that goes when it likes: each case is one of the reference's.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("guest:detach_device_with_retry(), as the reference has it,", function()
  local host, guest, log, undo
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test")
    local detach, sleep = guestlua.Guest.detach_device, core.sleep
    undo = function()
      guestlua.Guest.detach_device, core.sleep = detach, sleep
    end
    core.sleep = function(seconds)
      table.insert(log.slept, seconds)
    end
  end, function()
    undo()
    host:close()
  end)

  -- Starts it with a device that is there for `present` lookups (nil: for ever). failures[i] is what the i-th detach raises.
  local function start(present, failures, persistent, live, options)
    log = { detached = {}, slept = {}, looked = 0 }
    guestlua.Guest.detach_device = function(self, conf, flags)
      assert.equal(guest, self)
      assert.equal("conf" .. log.looked, conf) -- the one that was fetched last
      table.insert(log.detached, (flags.persistent and 2 or 0) | (flags.live and 1 or 0))
      local failure = failures[#log.detached]
      if failure then
        error(type(failure) == "table" and core.Error.new({ kind = "of_libvirt", code = failure[1], message = failure[2] }) or failure, 0)
      end
    end
    return guest:detach_device_with_retry(function(...)
      assert.same({ n = 1, "vdb" }, table.pack(...))
      log.looked = log.looked + 1
      return (not present or log.looked <= present) and "conf" .. log.looked or nil
    end, "vdb", persistent, live, options)
  end

  for _, case in ipairs({
    { nil, { 2, 4, 6, 8, 10, 12, 14 } },
    { { 3, 2, 30 }, { 2, 4, 6 } },
    { { 18, 2, 30 }, { 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 30, 30, 30 } },
    { { 4, 10, 25 }, { 10, 20, 25, 25 } },
    { { 0, 2, 30 }, {} },
    { { 7, 10, 60 }, { 10, 20, 30, 40, 50, 60, 60 } },
  }) do
    it("sleeps " .. table.concat(case[2], " ") .. " s", function()
      local wanted = case[1]
      local wait = start(nil, {}, true, true, wanted and { max_retry_count = wanted[1], inc_sleep_time = wanted[2], max_sleep_time = wanted[3] })
      assert.same({ { 3 }, {}, 1 }, { log.detached, log.slept, log.looked })
      local e = helper.failure(wait)
      assert.equal("device_detach_failed", e.kind)
      assert.equal("Device detach failed for vdb: Unable to detach from guest transient domain.", e.message)
      local flags = { 3 }
      for _ = 0, #case[2] do
        flags[#flags + 1] = 1
      end
      assert.same({ flags, case[2] }, { log.detached, log.slept })
      assert.equal("device_detach_failed", helper.failure(wait).kind) -- one step more, and no sleep: the counter goes on
      assert.same({ #flags + 1, #case[2] }, { #log.detached, #log.slept })
    end)
  end

  it("sends the persistent flag once, and ends when the device is gone", function()
    for _, case in ipairs({ { true, true, 3, 1 }, { true, false, 2, 0 }, { false, true, 1, 1 }, { false, false, 0, 0 } }) do
      local wait = start(3, {}, case[1], case[2])
      assert.equal(0, select("#", wait()))
      assert.same({ { case[3], case[4], case[4] }, { 2, 4 }, 4 }, { log.detached, log.slept, log.looked })
      wait()
      assert.same({ 3, 2, 5 }, { #log.detached, #log.slept, log.looked }) -- one lookup
    end
  end)

  it("never gives up with -1 retries", function()
    start(100, {}, false, true, { max_retry_count = -1, max_sleep_time = 5 })()
    assert.same({ 100, 99, 5 }, { #log.detached, #log.slept, log.slept[99] })
  end)

  it("reports a device that is not there", function()
    local e = helper.failure(start, 0, {}, true, true)
    assert.same({ "device_not_found", "Device 'vdb' not found.", 0 }, { e.kind, e.message, #log.detached })
  end)

  local GONE = { { 99, "whatever" }, { 9, "disk vdb not found" }, { 1, "vdb not found" }, { 8, "no target device vdb" } }
  it("takes what libvirt says of a device that is gone", function()
    for _, said in ipairs(GONE) do
      for _, affect in ipairs({ { true, false }, { false, true }, { false, false } }) do
        assert.equal("device_not_found", helper.failure(start, nil, { said }, affect[1], affect[2]).kind)
        assert.equal(1, #log.detached)
      end
      start(3, { said }, true, true)() -- gone from one of the two: the other may have it still
      assert.same({ 3, 1, 1 }, log.detached)
      assert.equal("device_not_found", helper.failure(start(nil, { nil, said }, true, true)).kind)
      assert.same({ 3, 1 }, log.detached) -- not tried again
    end
  end)

  it("goes on when the unplug is under way, and raises everything else", function()
    local under_way = { 1, "is already in the process of unplug" }
    start(3, { under_way, under_way }, false, true)()
    assert.same({ { 1, 1, 1 }, { 2, 4 } }, { log.detached, log.slept })
    for _, said in ipairs({ { 9, "busy" }, { 8, "no such flag" }, { 1, "internal" }, { 42, "no domain, not found" }, { 55, "" }, "a string" }) do
      for at = 1, 2 do
          local e = helper.failure(function()
          start(nil, { [at] = said }, true, true)()
        end)
        assert.equal(type(said) == "table" and said[1] or said, type(e) == "table" and e.code or e)
        assert.same({ at, 0 }, { #log.detached, #log.slept })
      end
    end
  end)
end)
