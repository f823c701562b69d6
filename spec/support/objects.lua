-- An object of each class that the test driver has, and the tables of the generated calls.

local objects = {}

-- The class's objects on a Host of test:///default, by the name of the class. Objects made for that are in the driver's memory only.
function objects.make(host)
  local guest = host:guest("test")
  -- A guest with snapshots can have no checkpoints.
  local other = host:lookup_by_name("checkpointed") or host:create_xml([[<domain type='test'><name>checkpointed</name><memory>1024</memory>
    <os><type>hvm</type></os><devices><disk type='file'><source file='/made'/><target dev='vda'/></disk></devices></domain>]])
  local pool = host:storage_pool_lookup_by_name("default-pool")
  local volume = pool:storage_vol_lookup_by_name("made")
    or pool:create_xml("<volume><name>made</name><capacity>1048576</capacity><target><format type='qcow2'/></target></volume>")
  return {
    Host = host,
    Guest = guest,
    Domain = guest.domain,
    BlockDevice = guest:get_block_device("vda"),
    Snapshot = guest:snapshot_lookup_by_name("made") or guest:snapshot_create_xml("<domainsnapshot><name>made</name></domainsnapshot>"),
    Checkpoint = other:checkpoint_lookup_by_name("made") or other:checkpoint_create_xml("<domaincheckpoint><name>made</name></domaincheckpoint>"),
    Network = host:network_lookup_by_name("default"),
    StoragePool = pool,
    StorageVol = volume,
    NodeDevice = host:node_device_lookup_by_name("computer"),
    Interface = host:interface_lookup_by_name("eth1"),
  }
end

-- Classes without objects in the test driver.
objects.elsewhere = { NetworkPort = true, Secret = true, NWFilter = true, NWFilterBinding = true, Stream = true }

-- ---- the generated calls ----

local function script_path()
  return package.path:gsub("^", "src/virt/?.lua;")
end

-- src/virt/calls, as a list of tables, and the description of the installed libvirt (nil if it is not here).
function objects.tables()
  local path <close> = setmetatable({ package.path }, { __close = function(self) package.path = self[1] end })
  package.path = script_path()
  local list = {}
  for _, file in ipairs({ "host", "domain", "snapshot", "network", "storage", "device" }) do
    local one = require("calls." .. file)
    table.move(one.class and { one } or one, 1, one.class and 1 or #one, #list + 1, list)
  end
  return list, require("generate.plan"), require("generate.description")
end

-- The C of all events, by that description.
function objects.events(description)
  local path <close> = setmetatable({ package.path }, { __close = function(self) package.path = self[1] end })
  package.path = script_path()
  return require("generate.events").file(require("calls.events"), description, require("calls.words"))
end

-- "Network.create" -> its row, for all generated calls.
objects.generated = {}
local tables, plan, description = objects.tables()
local pipe <close> = assert(io.popen("pkg-config --variable=libvirt_api libvirt; pkg-config --variable=libvirt_qemu_api libvirt-qemu"))
objects.paths = {} -- of the installed descriptions
for path in pipe:lines() do
  objects.paths[#objects.paths + 1] = path
end
objects.description = description.read(objects.paths)
for _, one in ipairs(tables) do
  local plans, left = plan.of_class(one, objects.description)
  one.left = left
  for _, p in ipairs(plans) do
    objects.generated[one.class .. "." .. p.name] = p.row
    if p.row.as then
      objects.generated[one.class .. "." .. p.row.as[1]] = p.row
    end
  end
end

-- "Guest.launch" -> whether it calls what only a libvirt after 9.0 has, of which the files in the repository are made.
function objects.newer()
  local found = {}
  for _, class in ipairs(require("guestlua.core").documentation().classes) do
    for _, row in ipairs(class.methods) do
      local fn = objects.description.functions[row.call]
      local major, minor = (fn and fn.version or "0.0"):match("^(%d+)%.(%d+)")
      found[class.name .. "." .. row.name] = tonumber(major) > 9 or tonumber(major) == 9 and tonumber(minor) > 0
    end
  end
  return found
end

return objects
