-- What processors guests can have, with the hypervisor as options: libvirt's own calls take it in four arguments that are mostly nil.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local HYPERVISOR = { "emulator", "arch", "machine", "virttype" }

local function params(first, ...)
  local list = { first, ... }
  local help = { emulator = "the path of the emulator", arch = "the architecture, for example \"x86_64\"",
    machine = "the machine type, for example \"q35\"", virttype = "the kind of virtualization, for example \"kvm\"; default: libvirt's choice" }
  for _, name in ipairs(HYPERVISOR) do
    list[#list + 1] = { name = name, type = "string", help = help[name] }
  end
  return list
end

local function hypervisor(method, options)
  local values = {}
  for i, name in ipairs(HYPERVISOR) do
    if options[name] == "" then -- which libvirt takes or not, by its version
      define.bad(method, name, "cannot be empty")
    end
    values[i] = options[name]
  end
  return table.unpack(values, 1, #HYPERVISOR)
end

define(core.Host, "Host", {
  name = "hypervisor_cpu_compare",
  method = true,
  help = "Whether guests of a hypervisor can have this processor.",
  result = "string",
  returns = "\"incompatible\", \"identical\" or \"superset\": the hypervisor can give more",
  params = params({ name = "cpu", type = "Element or XML text", positional = true, required = true,
    help = "a <cpu> element, as a guest's configuration or another host's domain_capabilities have it" },
    { name = "validate", type = "boolean", help = "check it against libvirt's schema first" }),
  blocks = true,
  run = function(host, cpu, options)
    local emulator, arch, machine, virttype = hypervisor("hypervisor_cpu_compare", options)
    return host:compare_hypervisor_cpu(emulator, arch, machine, virttype, cpu, { validate_xml = options.validate })
  end,
})

define(core.Host, "Host", {
  name = "hypervisor_cpu_baseline",
  method = true,
  help = "The processor that guests can have on each of several hosts: the most that all of the given ones can do.",
  result = "Element",
  returns = "a <cpu> element for a guest's configuration",
  params = params({ name = "cpus", type = "list of values", positional = true, required = true,
    help = "a list of <cpu> elements, Elements or XML texts: one of each host, from its domain_capabilities" },
    { name = "expand_features", type = "boolean", help = "name the features of the model too" },
    { name = "migratable", type = "boolean", help = "without features that keep a guest from migrating" }),
  blocks = true,
  run = function(host, cpus, options)
    local texts = {}
    for i, cpu in ipairs(cpus) do
      define.check("hypervisor_cpu_baseline", { name = "cpus", type = "Element or XML text" }, cpu)
      texts[i] = tostring(cpu)
    end
    if #texts == 0 then
      define.bad("hypervisor_cpu_baseline", "cpus", "a list of <cpu> elements expected, got none")
    end
    local emulator, arch, machine, virttype = hypervisor("hypervisor_cpu_baseline", options)
    return core.element(host:baseline_hypervisor_cpu(emulator, arch, machine, virttype, texts,
      { expand_features = options.expand_features, migratable = options.migratable }))
  end,
})
