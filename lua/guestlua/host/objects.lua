-- A Host's objects, by short names: host:network("default"), host:pool("images"), host:secret(uuid) … The lists are rows of the calls themselves.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local missing = require("guestlua.host.missing")

local function is_uuid(text)
  return #text == 36 and select(2, text:gsub("%-", "")) == 4
end

-- Each: its name, its class, the error's kind if it is missing, and the lookups; by_uuid comes first for a text that looks like a UUID.
local LOOKUPS = {
  { "network", "Network", "no_network", by_name = "network_lookup_by_name", by_uuid = "network_lookup_by_uuid_string" },
  { "pool", "StoragePool", "no_storage_pool", by_name = "storage_pool_lookup_by_name", by_uuid = "storage_pool_lookup_by_uuid_string" },
  { "nwfilter", "NWFilter", "no_nwfilter", by_name = "nwfilter_lookup_by_name", by_uuid = "nwfilter_lookup_by_uuid_string" },
  { "node_device", "NodeDevice", "no_node_device", by_name = "node_device_lookup_by_name" },
  { "interface", "Interface", "no_interface", by_name = "interface_lookup_by_name" },
  { "secret", "Secret", "no_secret", by_uuid = "secret_lookup_by_uuid_string" },
}

local function words_of(what, lookup)
  what = what:gsub("_", " ")
  if not lookup.by_name then
    return "uuid", what .. "'s UUID"
  end
  return lookup.by_uuid and "name_or_uuid" or "name", what .. "'s name" .. (lookup.by_uuid and " or UUID" or "")
end

for _, lookup in ipairs(LOOKUPS) do
  local name, class, kind = table.unpack(lookup)
  local argument, words = words_of(name, lookup)
  define(core.Host, "Host", {
    name = name,
    method = true,
    help = ("Looks up the %s with that %s."):format(name:gsub("_", " "), lookup.by_name and (lookup.by_uuid and "name or UUID" or "name") or "UUID"),
    result = class .. "?",
    returns = class .. ", or nil if there is none",
    params = {
      { name = argument, type = "string", positional = true, required = true, help = "the " .. words },
      { name = "required", type = "boolean", help = ("raise an error of kind \"%s\" if there is none"):format(kind) },
    },
    blocks = true,
    run = function(host, id, options)
      local found
      if lookup.by_uuid and (is_uuid(id) or not lookup.by_name) then
        found = is_uuid(id) and host[lookup.by_uuid](host, id) or nil
      end
      found = found or lookup.by_name and host[lookup.by_name](host, id) or nil
      if not found and options.required then
        missing({ kind = kind, op = name, host = host.uri }, name:gsub("_", " "), id, function() return host[name .. "s"](host) end,
          ("host:%ss() lists those there are; another connection has others"):format(name))
      end
      return found
    end,
  })
end

define(core.Host, "Host", {
  name = "volume",
  method = true,
  help = "Looks up the volume with that path, in any pool; or with that key.",
  result = "StorageVol?",
  returns = "StorageVol, or nil if there is none",
  params = { { name = "path_or_key", type = "string", positional = true, required = true, help = "the volume's path, or its key" } },
  blocks = true,
  run = function(host, id)
    return id:sub(1, 1) == "/" and host:storage_vol_lookup_by_path(id) or host:storage_vol_lookup_by_key(id)
  end,
})

define(core.Host, "Host", {
  name = "capabilities",
  method = true,
  help = "The capabilities of the host and its hypervisor.",
  result = "Element",
  blocks = true,
  run = function(host)
    return core.element(host:get_capabilities())
  end,
})

define(core.Host, "Host", {
  name = "domain_capabilities",
  method = true,
  help = "The capabilities for guests: machine types, processor models, kinds of devices.",
  result = "Element",
  params = {
    { name = "emulator", type = "string", help = "the path of the emulator" },
    { name = "arch", type = "string", help = "the architecture, for example \"x86_64\"" },
    { name = "machine", type = "string", help = "the machine type, for example \"q35\"" },
    { name = "virttype", type = "string", help = "the kind of virtualization, for example \"kvm\"" },
  },
  blocks = true,
  run = function(host, options)
    for _, name in ipairs({ "emulator", "arch", "machine", "virttype" }) do
      if options[name] == "" then -- which libvirt takes or not, by its version
        define.bad("domain_capabilities", name, "cannot be empty")
      end
    end
    return core.element(host:get_domain_capabilities(options.emulator, options.arch, options.machine, options.virttype))
  end,
})
