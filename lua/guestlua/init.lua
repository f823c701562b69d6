-- The module "guestlua": what the core has, and what is written in Lua over it.

local core = require("guestlua.core")
local strict = require("guestlua.base.strict")

local guestlua = {
  version = core.version,
  Error = core.Error,
  Host = core.Host,
  Guest = core.Guest,
  Domain = core.Domain,
  BlockDevice = core.BlockDevice,
  Snapshot = core.Snapshot,
  Checkpoint = core.Checkpoint,
  Network = core.Network,
  NetworkPort = core.NetworkPort,
  StoragePool = core.StoragePool,
  StorageVol = core.StorageVol,
  NodeDevice = core.NodeDevice,
  Secret = core.Secret,
  Interface = core.Interface,
  NWFilter = core.NWFilter,
  NWFilterBinding = core.NWFilterBinding,
  Subscription = core.Subscription,
  Stream = core.Stream,
  Element = core.Element,
  Task = core.Task,
  Signal = core.Signal,
  spawn = core.spawn,
  signal = core.signal,
  element = core.element,
  sleep = core.sleep,
  now = core.now,
  isatty = core.isatty,
  alive = core.alive,
  embedded_uri = core.embedded_uri,
}

-- A map from words to numbers, or from numbers to words, that is one from either to the other.
local function both_ways(map)
  local turned = {}
  for key, value in pairs(map) do
    turned[value] = key
  end
  for key, value in pairs(turned) do
    map[key] = value
  end
  return map
end

-- The values of get_info().state, as the reference calls them.
guestlua.power_state = both_ways({ NOSTATE = 0, RUNNING = 1, PAUSED = 3, SHUTDOWN = 4, CRASHED = 6, SUSPENDED = 7 })
strict(guestlua.power_state, "guestlua.power_state")

-- libvirt's words for the numbers that the reference has: a guest's get_job_info().type, and a disk's get_job_info().job. job_type[1] is
-- "bounded", and job_type.bounded is 1.
guestlua.job_type = strict(both_ways(core.job_type), "guestlua.job_type")
guestlua.block_job_type = strict(both_ways(core.block_job_type), "guestlua.block_job_type")

local define = require("guestlua.base.define")

local open = require("guestlua.host.open")
open.defaults = guestlua
guestlua.open = open.open

define(guestlua, "guestlua", {
  name = "embedded",
  help = "Opens libvirt's QEMU driver inside this process: no daemon, no root. Makes the directory and the qemu.conf in it if they are missing.",
  result = "Host",
  params = {
    { name = "dir", type = "string", positional = true, required = true, help = "the directory that the driver keeps its state in; one a process" },
  },
  run = function(dir)
    return core.open(core.embedded_uri(dir))
  end,
})

define(core.Guest, "Guest", {
  name = "create",
  help = "Guest.create(xml, host): defines a guest, ready to be launched. A function of the class, called with a dot.",
  result = "Guest",
  params = {
    { name = "xml", type = "any", positional = true, required = true, help = "the configuration: an Element or XML text" },
    { name = "host", type = "Host", positional = true, required = true, help = "the Host to define it on" },
    { name = "validate", type = "boolean", help = "check it against libvirt's schema first: element:validate()" },
    { name = "drop_secrets", type = "boolean", help = "as in Host:write_instance_config" },
  },
  run = function(xml, host, options)
    core.check_self(host, "Host", "create")
    if options.validate then
      local element = type(xml) == "string" and core.element(xml) or xml
      core.check_self(element, "Element", "create")
      element:validate()
    end
    return host:write_instance_config(xml, { drop_secrets = options.drop_secrets })
  end,
  blocks = true,
})

guestlua.run = require("guestlua.host.run").run
guestlua.workflow = require("guestlua.workflow")

-- These take the places of functions in C.
require("guestlua.disk.size")
require("guestlua.guest.secrets")

core.on_call(function(what, call)
  require("guestlua.log.calls").report(what, call)
end)

-- The rows of long calls name the method that ends them: `aborts`.
core.on_cancelled(function(owner, method, e)
  require("guestlua.disk.job").abort_shielded(owner, method, e)
end)

function define.limit(...)
  return require("guestlua.task.group").timeout(...)
end

-- What a script that does not use it starts without: the names that each module makes.
local EVENTS = { "events", "on", "wait_event" }
local MODULES = {
  Guest = {
    ["guest.agent"] = { "exec" },
    ["guest.device"] = { "get_vcpus_info", "get_interface_by_cfg", "enable_hairpin", "detach_device_with_retry" },
    ["guest.file"] = { "read_file", "write_file" },
    ["guest.guard"] = { "frozen", "paused" },
    ["guest.points"] = { "snapshot_create_as", "checkpoint_create_as" },
    ["guest.inside"] = { "os_info", "users", "filesystems", "disks", "interfaces" },
    ["guest.keys"] = { "press" },
    ["workflow.device.attached"] = { "attached" },
    ["host.event"] = EVENTS,
  },
  BlockDevice = { ["disk.job"] = { "await_job" } },
  Host = {
    ["host.objects"] = { "network", "pool", "nwfilter", "node_device", "interface", "secret", "volume", "capabilities", "domain_capabilities" },
    ["host.storage"] = { "pool_define_as", "pool_create_as" },
    ["disk.users"] = { "image_users" },
    ["host.cpu"] = { "hypervisor_cpu_compare", "hypervisor_cpu_baseline" },
    ["host.event"] = EVENTS,
  },
  Network = { ["host.network"] = { "set_dhcp_host", "remove_dhcp_host" }, ["host.event"] = EVENTS },
  NodeDevice = { ["host.event"] = EVENTS },
  Secret = { ["host.event"] = EVENTS },
  Snapshot = { ["guest.points"] = { "get_info" } },
  StoragePool = { ["host.storage"] = { "volume", "create_volume" }, ["host.event"] = EVENTS },
  StorageVol = { ["host.storage"] = { "clone" } },
  Stream = { ["guest.stream"] = { "expect", "lines" } },
}
for class, modules in pairs(MODULES) do
  define.lazy(guestlua[class], "guestlua.", modules)
end

local OWN = {
  ["guest.agent"] = { "await_agent" },
  ["guest.device"] = { "device" },
  ["host.event"] = { "serve" },
  ["host.fleet"] = { "fleet" },
  ["host.rates"] = { "rates" },
  ["log.calls"] = { "dry_run" },
  ["log.log"] = { "log" },
  ["log.plan"] = { "plan" },
  ["log.plain"] = { "json" },
  ["log.progress"] = { "progress", "Progress" },
  ["task.group"] = { "Group", "group", "map", "timeout" },
  ["base.undo"] = { "Guard" },
  ["base.journal"] = { "journal" },
  ["workflow.recover"] = { "recover" },
}
local names = { "default_uri", "default_readonly", "default_keepalive" }
for _, list in pairs(OWN) do
  table.move(list, 1, #list, #names + 1, names)
end

return strict(define.lazy(guestlua, "guestlua.", OWN), "guestlua", names)
