-- Devices that are attached and detached until the guest has really done it.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local workflow = guestlua.workflow

-- ---- what libvirt and the guest may answer: the reference's table, with their answers made up ----

describe("detach_with_retry, where libvirt answers as in the table,", function()
  local original = {}
  local host, guest
  local answers -- for each detach_device: "removed", "failed", "silence", or an Error
  local detached -- how it was called: 2 the configuration, 1 the running guest
  local looked, heard, open

  local FAKES = {
    is_active = function() return answers.live end,
    has_persistent_configuration = function() return answers.persistent end,
    detach_device = function(_, conf, options)
      detached[#detached + 1] = (options.persistent and 2 or 0) | (options.live and 1 or 0)
      assert.is_true(options.persistent or open == 1, "nobody listens")
      local answer = table.remove(answers, 1)
      if type(answer) == "table" then
        error(guestlua.Error.new(answer), 0)
      end
      local event = answer == "failed" and "device_removal_failed" or "device_removed"
      heard = answer ~= "silence" and { event = event, dev_alias = conf.alias.name } or nil
    end,
    subscribe = function(self)
      open = open + 1
      return setmetatable({
        next = function(_, timeout)
          local event = heard
          heard = nil
          if not event then
            guestlua.sleep(timeout)
          else
            event.uuid = self.uuid
          end
          return event
        end,
      }, { __close = function() open = open - 1 end })
    end,
  }

  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = host:guest("test")
    guestlua.journal({ dir = os.tmpname() .. ".journal" })
    for name, fake in pairs(FAKES) do
      original[name] = guestlua.Guest[name]
      guestlua.Guest[name] = fake
    end
    detached, looked, heard, open = {}, 0, nil, 0
  end, function()
    for name, fn in pairs(original) do
      guestlua.Guest[name] = fn
    end
    assert.equal(0, open) -- no waiter is left
    host:close()
    local dir = guestlua.journal()
    assert.is_true(os.remove(dir) or not io.open(dir)) -- it is empty
    os.remove((dir:gsub("%.journal$", "")))
  end)

  -- lookups: what get_conf finds, one after the other; 0: nothing.
  local function detach(lookups, options)
    local device = guestlua.element("disk", { alias = { name = "ua-x" }, target = { dev = "vdb" } })
    options = options or {}
    options.timeout = options.timeout or 0.01
    return pcall(workflow.detach_with_retry, guest, function()
      looked = looked + 1
      assert(looked <= #lookups, "one look too many")
      return lookups[looked] == 1 and device or nil
    end, options)
  end

  local MISSING = { kind = "device_missing", code = 99, message = "device not found" }
  local ROWS = {
    { "off", { persistent = true, true }, { 1, 0 }, { 2 } },
    { "without a configuration", { live = true, "removed" }, { 1, 0 }, { 1 } },
    { "running, with a configuration", { live = true, persistent = true, true, "removed" }, { 1, 1, 0, 0 }, { 2, 1 } },
    { "gone", {}, {}, {} },
    { "off, the device not there", { persistent = true }, { 0 }, {}, "device_not_found" },
    { "running, the device not there", { live = true }, { 0 }, {}, "device_not_found" },
    { "running, and libvirt does not find it", { live = true, { kind = "no_device", code = 9, message = "disk vdb not found" } }, { 1, 0 }, { 1 },
      "device_not_found" },
    { "running, and refuses", { live = true, "failed" }, { 1, 1 }, { 1 }, "device_detach_failed", nil, "the running guest has the device" },
    { "running, and libvirt refuses", { live = true, { kind = "internal_error", code = 1, message = "no" } }, { 1, 1 }, { 1 },
      "internal_error", nil, "the running guest has the device" },
    { "slow, once", { live = true, "silence", "removed" }, { 1, 1, 0 }, { 1, 1 } },
    { "slow, and the event is lost", { live = true, "silence" }, { 1, 0 }, { 1 } },
    { "slow, and at it still when asked again",
      { live = true, "silence", { kind = "internal_error", code = 1, message = "device x is already in the process of unplug" } },
      { 1, 1, 0 }, { 1, 1 } },
    { "silent", { live = true, "silence", "silence" }, { 1, 1, 1, 1 }, { 1, 1 }, "device_detach_failed", { attempts = 2 },
      "the running guest has the device, and may still release it" },
    { "running, and the configuration has lost it meanwhile", { live = true, persistent = true, MISSING, "removed" }, { 1, 1, 0, 0 }, { 2, 1 } },
    { "running, and the configuration has what libvirt does not find", { live = true, persistent = true, MISSING }, { 1, 1, 1, 1, 1 }, { 2 },
      "device_detach_failed" },
    { "off, and the configuration has lost it meanwhile", { persistent = true, MISSING }, { 1, 0 }, { 2 }, "device_not_found" },
    { "gone meanwhile", { persistent = true, { kind = "no_domain", code = 42, message = "no domain" } }, { 1, 0 }, { 2 } },
    { "running, and its configuration cannot be changed",
      { live = true, persistent = true, { kind = "internal_error", code = 1, message = "no" } }, { 1, 1, 1, 1 }, { 2 }, "internal_error" },
  }
  for _, row in ipairs(ROWS) do
    local name, answer, lookups, calls, kind, options, outcome = table.unpack(row, 1, 7)
    it("knows what to do with a guest that is " .. name, function()
      answers = answer
      local ok, result = detach(lookups, options)
      assert.same({ kind == nil, kind }, { ok, not ok and result.kind or nil }, tostring(result))
      assert.equal(outcome or result.outcome, result.outcome)
      assert.same(calls, detached)
      assert.equal(#lookups, looked)
    end)
  end
end)

-- ---- and what they do answer ----

describe("A device of a real guest", function()
  local machine = helper.machine()
  local guest
  helper.leaves_nothing(function()
    guestlua.journal({ dir = machine.dir .. "/journal" })
    guest = machine.guest
  end, function()
    assert.same({}, guestlua.recover(machine.host))
  end)

  local function disk(target, alias)
    local file = ("%s/%s"):format(machine.dir, target)
    assert(os.execute(("truncate -s 4M %s && chmod 666 %s"):format(file, file)))
    return guestlua.device.disk({
      type = "file",
      device = "disk",
      driver = { name = "qemu", type = "raw" },
      source = { file = file },
      target = { dev = target, bus = "virtio" },
      alias = alias and { name = alias } or nil,
    })
  end

  local function has(target)
    return guest:get_disk(target) ~= nil, guest:get_disk(target, { from_persistent_config = true }) ~= nil
  end

  -- A guest can release what it has taken; it takes it when it gets to it.
  local function await_in_guest(target)
    machine:sh(("until [ -e /dev/%s ]; do sleep 0.05; done"):format(target))
  end

  it("is attached to the running guest and to its configuration, and detached from both", function()
    local result = workflow.attach_with_retry(guest, disk("vdb", "ua-mine"))
    assert.same({ "attach_with_retry", "vdb", "live", "persistent" },
      { result.workflow, result.device, result.steps[2].name, result.steps[3].name })
    assert.same({ true, true }, { has("vdb") })
    await_in_guest("vdb")
    result = workflow.detach_with_retry(guest, "ua-mine")
    assert.same({ "ua-mine", "persistent", "live" }, { result.device, result.steps[2].name, result.steps[3].name })
    assert.same({ false, false }, { has("vdb") })
    local e = helper.failure(workflow.detach_with_retry, guest, "ua-mine")
    assert.same({ "detach_with_retry", "device_not_found" }, { e.workflow, e.kind })
  end)

  it("is found by its target, by libvirt's own alias, as XML and as an Element", function()
    local element = disk("vdb")
    for _, name in ipairs({ "vdb", false, tostring(element), element }) do
      workflow.attach_with_retry(guest, tostring(element))
      await_in_guest("vdb")
      workflow.detach_with_retry(guest, name or guest:get_disk("vdb").alias.name)
      assert.same({ false, false }, { has("vdb") })
    end
    local e = helper.failure(workflow.detach_with_retry, guest, "<rng model='virtio'/>")
    assert.equal("device_not_found", e.kind)
  end)

  it("can be attached to one of the two, and the other is added", function()
    local element = disk("vdb", "ua-mine")
    workflow.attach_with_retry(guest, element, { persistent = false })
    assert.same({ true, false }, { has("vdb") })
    assert.equal("operation_invalid", helper.failure(workflow.attach_with_retry, guest, element).kind)
    assert.is_true(workflow.ensure_attached(guest, element).changed)
    assert.same({ true, true }, { has("vdb") })
    assert.is_false(workflow.ensure_attached(guest, element).changed)
    await_in_guest("vdb")
    assert.is_true(workflow.ensure_detached(guest, element).changed)
    assert.is_false(workflow.ensure_detached(guest, element).changed)
    assert.same({ false, false }, { has("vdb") })
  end)

  it("is in neither where one step fails", function()
    local attach = guestlua.Guest.attach_device
    finally(function()
      guestlua.Guest.attach_device = attach
    end)
    guestlua.Guest.attach_device = function(self, conf, options)
      if options.persistent then
        error(guestlua.Error.new({ kind = "config_unsupported", message = "not in the configuration" }), 0)
      end
      attach(self, conf, options)
      await_in_guest("vdb")
    end
    local e = helper.failure(workflow.attach_with_retry, guest, disk("vdb", "ua-mine"))
    assert.same({ "persistent", "config_unsupported", "undone: the guest does not have the device" }, { e.step, e.kind, e.outcome })
    assert.same({ false, false }, { has("vdb") })
  end)

  it("is tried again where another operation holds the guest", function()
    local attach, calls = guestlua.Guest.attach_device, 0
    finally(function()
      guestlua.Guest.attach_device = attach
    end)
    guestlua.Guest.attach_device = function(...)
      calls = calls + 1
      if calls < 3 then
        error(guestlua.Error.new({ kind = "operation_timeout", code = 68, message = "cannot acquire state change lock" }), 0)
      end
      return attach(...)
    end
    workflow.attach_with_retry(guest, disk("vdb", "ua-mine"), { pause = 0.01 })
    assert.equal(4, calls)
    await_in_guest("vdb")
    workflow.detach_with_retry(guest, "vdb")
  end)

  it("is asked for by one at a time", function()
    workflow.attach_with_retry(guest, disk("vdb", "ua-mine"))
    await_in_guest("vdb")
    local detach, under_way, most = guestlua.Guest.detach_device, 0, 0
    finally(function()
      guestlua.Guest.detach_device = detach
    end)
    guestlua.Guest.detach_device = function(...)
      under_way = under_way + 1
      most = math.max(most, under_way)
      local results = table.pack(pcall(detach, ...))
      under_way = under_way - 1
      if not results[1] then
        error(results[2], 0)
      end
    end
    local outcomes = guestlua.map({ "ua-mine", "vdb", "vdb" }, function(name, i)
      local ok, e = pcall(workflow.detach_with_retry, guest, name, { wait = i < 3 and 120 or 0 })
      return ok and "detached" or e.kind
    end)
    table.sort(outcomes)
    assert.same({ "busy", "detached", "device_not_found" }, outcomes)
    assert.equal(1, most)
  end)

  it("stays while the guest cannot release it, and goes when it can", function()
    workflow.attach_with_retry(guest, disk("vdb", "ua-mine"))
    await_in_guest("vdb")
    do
      local paused <close> = guest:paused() -- luacheck: ignore paused
      local e = helper.failure(workflow.detach_with_retry, guest, "vdb", { attempts = 1, timeout = 0.1 })
      assert.same({ "look", "operation_invalid", "vdb" }, { e.step, e.kind, e.device })
      assert.matches("would have to release the device itself", e.message)
      assert.same({ true, true }, { has("vdb") })
    end
    workflow.detach_with_retry(guest, "vdb")
    assert.same({ false, false }, { has("vdb") })
  end)

  it("is left to recover by the undo of an attach to a guest that stands still", function()
    local attach_device = guestlua.Guest.attach_device
    local back <close> = setmetatable({}, { __close = function() guestlua.Guest.attach_device = attach_device end })
    guestlua.Guest.attach_device = function(self, conf, options)
      if options.persistent then
        error(guestlua.Error.new({ kind = "internal_error", message = "the configuration cannot be written" }), 0)
      end
      return attach_device(self, conf, options)
    end
    do
      local paused <close> = guest:paused() -- luacheck: ignore paused
      local e = helper.failure(workflow.attach_with_retry, guest, disk("vdb", "ua-mine"), { attempts = 1 })
      assert.equal("internal_error", e.kind)
      assert.matches("it releases the device when it runs again", e.outcome)
      assert.matches("guestlua.recover", e.outcome, 1, true)
    end
    local list = guestlua.recover(machine.host)
    assert.same({ 1, nil }, { #list, list[1].error })
    assert.same({ false, false }, { has("vdb") })
  end)
end)
