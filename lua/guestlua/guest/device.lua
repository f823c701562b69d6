-- Devices: building them, comparing them, and detaching them from guests that do not release them at once.

local calls = require("guestlua.log.calls")
local core = require("guestlua.core")
local define = require("guestlua.base.define")
local devices = require("guestlua.guest.devices")

local Guest = core.Guest

local function fail(kind, fields)
  fields.kind = kind
  error(core.Error.new(fields), 0)
end

-- device.disk{…} is element("disk", {…}), and likewise for every other name.
local device = setmetatable({}, {
  __index = function(self, name)
    local function build(fields)
      return core.element(name, fields or {})
    end
    self[name] = build
    return build
  end,
})

define(Guest, "Guest", {
  name = "get_vcpus_info",
  method = true,
  help = "Iterates over the running guest's processors: `for vcpu in guest:get_vcpus_info() do`. libvirt is called at the first iteration.",
  result = "fun(): table",
  returns = "an iterator of VCPUInfo: id, cpu (the host's processor, -1: none), vcpu_state (\"offline\", \"running\", \"blocked\"), state (its "
    .. "number), time (ns)",
  run = function(guest)
    local list, i
    return function()
      list, i = list or guest:get_vcpus(), (i or 0) + 1
      return list[i]
    end
  end,
})

local INTERFACES = { interface = true, hostdev = "pci" }

define(Guest, "Guest", {
  name = "get_interface_by_cfg",
  method = true,
  help = "The guest's network interface, or PCI device, that matches cfg, however libvirt shows it: an interface by its alias, address, MAC "
    .. "address, source and, if cfg has one, target; a PCI device by its address on the host. If several match, an error of kind "
    .. "\"device_ambiguous\" names them.",
  result = "Element?",
  returns = "Element, or nil if there is none or cfg is nil",
  params = {
    { name = "cfg", type = "any", positional = true, help = "the device to look for: an Element or XML text" },
    { name = "from_persistent_config", type = "boolean", help = "search the persistent configuration, not the running guest" },
    { name = "required", type = "boolean", help = "raise an error of kind \"device_not_found\" if there is none" },
  },
  run = function(guest, cfg, options)
    if (cfg == nil or cfg == "") and not options.required then
      return nil
    end
    cfg = type(cfg) == "string" and core.element(cfg) or cfg
    core.check_self(cfg, "Element", "get_interface_by_cfg")
    local kind = INTERFACES[cfg:tag()]
    if not kind or kind ~= true and kind ~= cfg:attribute("type") then
      define.bad("get_interface_by_cfg", "cfg", ("an <interface>, or a <hostdev> of type pci expected, got a <%s>"):format(cfg:tag()))
    end
    local found = devices.find(guest, cfg, options.from_persistent_config, { method = "get_interface_by_cfg", here = true, hexadecimal = true })
    if not found and options.required then
      fail("device_not_found", {
        op = "get_interface_by_cfg",
        guest = guest.name,
        device = devices.describe(cfg),
        message = ("the guest has no device %s"):format(devices.describe(cfg)),
      })
    end
    return found
  end,
})

local function set_hairpin(guest, name)
  if core.dry_run() then
    return calls.held("enable_hairpin", guest, { interface = name })
  end
  local path = ("/sys/class/net/%s/brport/hairpin_mode"):format(name)
  local file, message, code = io.open(path, "r+")
  local ok = file
  if file then
    ok, message, code = file:write("1")
    local closed, close_message, close_code = file:close()
    if ok and not closed then
      ok, message, code = closed, close_message, close_code
    end
  end
  if ok then
    calls.did("enable_hairpin", guest, { interface = name })
  elseif code ~= 2 then -- ENOENT: no bridge
    fail("system_error", { op = "enable_hairpin", guest = guest.name, device = name, message = "enable_hairpin: " .. message })
  end
end

define(Guest, "Guest", {
  name = "enable_hairpin",
  method = true,
  help = "Lets the bridge ports of the guest's interfaces send received frames back out of the same port. Writes to /sys of this machine, so the "
    .. "guest has to run here, and it needs root. An interface without a bridge is left alone.",
  run = function(guest)
    for _, name in ipairs(guest:get_interfaces()) do
      set_hairpin(guest, name)
    end
  end,
})

local function not_found(guest, name)
  fail("device_not_found", {
    op = "detach_device_with_retry",
    guest = guest.name,
    device = name,
    message = ("Device '%s' not found."):format(name),
  })
end

-- libvirt's messages, in different releases, for a device that is gone, and for a device with an unplug under way.
local function is_gone(e)
  local message = e.message or ""
  return e.kind == "device_not_found" or e.code == 99
    or (e.code == 9 or e.code == 1) and message:find("not found", 1, true)
    or e.code == 8 and message:find("no target device", 1, true)
end

local function is_under_way(e)
  return e.code == 1 and (e.message or ""):find("already in the process of unplug", 1, true)
end

-- One request. Returns false if libvirt says that the device is gone.
local function request(guest, conf, options)
  local ok, e = pcall(guest.detach_device, guest, conf, options)
  if ok then
    return true
  elseif type(e) ~= "table" then
    error(e, 0)
  elseif is_gone(e) then
    return false
  elseif not is_under_way(e) then
    error(e, 0)
  end
  return true
end

define(Guest, "Guest", {
  name = "detach_device_with_retry",
  method = true,
  help = "Asks the guest to release a device, and returns a function that waits for that and asks again with growing pauses. The function raises "
    .. "an error of kind \"device_detach_failed\" if the guest did not release it, and \"device_not_found\" if libvirt says that there is no such "
    .. "device; its counter continues when it is called again.",
  result = "fun()",
  returns = "a function without arguments, which waits",
  params = {
    {
      name = "get_device_conf_func",
      type = "function",
      positional = true,
      required = true,
      help = "called with `device`: the device's present configuration, nil if it is gone",
    },
    { name = "device", type = "any", positional = true, required = true, help = "what get_device_conf_func knows the device by" },
    { name = "persistent", type = "boolean", positional = true, required = true, help = "take it out of the persistent configuration too" },
    { name = "live", type = "boolean", positional = true, required = true, help = "take it from the running guest" },
    { name = "max_retry_count", type = "integer", signed = true, help = "how often to ask again; default: 7, -1: no limit" },
    { name = "inc_sleep_time", type = "number", help = "seconds by which each pause is longer than the one before; default: 2" },
    { name = "max_sleep_time", type = "number", help = "seconds of the longest pause; default: 30" },
  },
  run = function(guest, get_conf, name, persistent, live, options)
    local conf = get_conf(name)
    if conf == nil or not request(guest, conf, { persistent = persistent, live = live }) and not (persistent and live) then
      not_found(guest, name)
    elseif core.dry_run() then
      return function() end
    end
    local retries, step = options.max_retry_count or 7, options.inc_sleep_time or 2
    local longest, failed = options.max_sleep_time or 30, 0
    return function()
      while true do
        conf = get_conf(name)
        if conf == nil then
          return
        elseif not request(guest, conf, { live = live }) then
          not_found(guest, name)
        end
        failed = failed + 1
        if retries >= 0 and failed > retries then
          fail("device_detach_failed", {
            op = "detach_device_with_retry",
            guest = guest.name,
            device = name,
            message = ("Device detach failed for %s: Unable to detach from guest transient domain."):format(name),
            hint = "is the guest's system up, and does it use the device still?",
          })
        end
        core.sleep(math.min(failed * step, longest))
      end
    end
  end,
})

return { device = device }
