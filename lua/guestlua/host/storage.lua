-- Pools and volumes of the usual kinds, without writing XML.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local missing = require("guestlua.host.missing")

define(core.StoragePool, "StoragePool", {
  name = "volume",
  method = true,
  help = "Looks up the pool's volume of that name.",
  result = "StorageVol?",
  returns = "StorageVol, or nil if there is none",
  params = {
    { name = "name", type = "string", positional = true, required = true, help = "the volume's name" },
    { name = "required", type = "boolean", help = "raise an error of kind \"no_storage_vol\" if there is none" },
  },
  blocks = true,
  run = function(pool, name, options)
    local found = pool:storage_vol_lookup_by_name(name)
    if not found and options.required then
      missing({ kind = "no_storage_vol", op = "volume", host = pool.host.uri, object_type = "pool", object = pool.name }, "volume", name,
        function() return pool:volumes() end, "pool:volumes() lists those there are; pool:refresh() looks for new ones")
    end
    return found
  end,
})

local function bytes(method, options, key, required)
  local value = options[key]
  if value == nil and required then
    define.bad(method, key, "integer expected, got nil")
  elseif value and value < 0 then
    define.bad(method, key, "cannot be negative")
  end
  return value and { unit = "bytes", value } or nil
end

-- Two objects that are used together are of one host: libvirt would take the other one for its own of that name.
local function check_host(method, argument, class, one, other)
  core.check_self(other, class, method)
  if one.host.uri ~= other.host.uri then
    define.bad(method, argument, ("a %s of the same host expected, got one of another host"):format(class))
  end
end

-- The path of a backing image, which may be given as a volume.
local function path_of(pool, backing)
  if type(backing) == "string" then
    return backing
  end
  check_host("create_volume", "backing", "StorageVol", pool, backing)
  return backing:get_path()
end

define(core.StoragePool, "StoragePool", {
  name = "create_volume",
  method = true,
  help = "Makes a volume: pool:create_volume{ name = \"web.qcow2\", capacity = 10 << 30, format = \"qcow2\" }.",
  result = "StorageVol",
  params = {
    { name = "name", type = "string", help = "its name; required" },
    { name = "capacity", type = "integer", help = "its size for the guest, in bytes; required" },
    { name = "allocation", type = "integer", help = "how much of that to allocate at once, in bytes; default: the pool's choice" },
    { name = "format", type = "string", help = "for example \"qcow2\" or \"raw\"; default: the pool's" },
    { name = "backing", type = "any", help = "the backing image: a path, or a StorageVol" },
    { name = "backing_format", type = "string", help = "the backing image's format; required with backing, because it must not be guessed from "
      .. "data that a guest wrote" },
    { name = "prealloc_metadata", type = "boolean", help = "allocate the image's metadata at once" },
  },
  blocks = true,
  run = function(pool, options)
    if not options.name or options.name == "" then
      define.bad("create_volume", "name", "the name of the volume expected, got " .. (options.name and "an empty string" or "nil"))
    elseif options.format == "" or options.backing_format == "" then
      define.bad("create_volume", options.format == "" and "format" or "backing_format", "it cannot be empty")
    elseif options.backing and not options.backing_format then
      define.bad("create_volume", "backing_format", "string expected, got nil: which format has the image at the bottom?")
    elseif options.backing_format and not options.backing then
      define.bad("create_volume", "backing", "string or StorageVol expected, got nil")
    elseif options.backing and type(options.backing) ~= "string" and type(options.backing) ~= "userdata" then
      define.bad("create_volume", "backing", "string or StorageVol expected, got " .. core.type_name(options.backing))
    end
    local volume = core.element("volume", {
      name = { options.name },
      capacity = bytes("create_volume", options, "capacity", true),
      allocation = bytes("create_volume", options, "allocation"),
      target = options.format and { format = { type = options.format } } or nil,
      backingStore = options.backing and { path = { path_of(pool, options.backing) }, format = { type = options.backing_format } } or nil,
    })
    return pool:create_xml(volume, { prealloc_metadata = options.prealloc_metadata or false })
  end,
})

define(core.StorageVol, "StorageVol", {
  name = "clone",
  method = true,
  help = "Makes another volume with the same contents, format and capacity.",
  result = "StorageVol",
  params = {
    { name = "name", type = "string", positional = true, required = true, help = "the name of the new one" },
    { name = "pool", type = "StoragePool", help = "the new volume's pool; default: this one's" },
    { name = "format", type = "string", help = "another format, for example \"raw\"" },
    { name = "reflink", type = "boolean", help = "share the blocks, if the file system can" },
  },
  blocks = true,
  run = function(volume, name, options)
    if name == "" or options.format == "" then
      define.bad("clone", name == "" and "name" or "format", "it cannot be empty")
    elseif options.pool then
      check_host("clone", "pool", "StoragePool", volume, options.pool)
    end
    local before = core.element(volume:get_xml_desc())
    local format = options.format or before.target and before.target.format and before.target.format.type
    local pool = options.pool or volume.pool or volume:storage_pool_lookup_by_volume()
    return pool:create_xml_from(core.element("volume", {
      name = { name },
      capacity = { unit = "bytes", volume:get_info().capacity },
      target = format and { format = { type = format } } or nil,
    }), volume, { reflink = options.reflink or false })
  end,
})

local POOL_TYPES = { "dir", "fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs",
  "vstorage" }

-- An option of virsh's pool-define-as, what it is, and its element.
local POOL_OPTIONS = {
  { "target", "where it is, or is mounted, on the host: the directory, as \"/srv/images\"", function(value) return { path = { value } } end },
  { "source_host", "the server that has it", function(value) return { name = value } end, "host" },
  { "source_path", "the directory there", function(value) return { path = value } end, "dir" },
  { "source_dev", "the device on which it is", function(value) return { path = value } end, "device" },
  { "source_name", "the volume group, the Ceph pool or the like", function(value) return { value } end, "name" },
  { "source_format", "its format, for example \"nfs\" or \"lvm2\"", function(value) return { type = value } end, "format" },
}

local function pool_params(more)
  local list = {
    { name = "name", type = "string", positional = true, required = true, help = "its name" },
    { name = "type", type = "string", choices = POOL_TYPES, help = "what it is; default: \"dir\"" },
  }
  for _, row in ipairs(POOL_OPTIONS) do
    list[#list + 1] = { name = row[1], type = "string", help = row[2] }
  end
  list[#list + 1] = more
  return list
end

local function pool_element(method, name, options)
  if name == "" then
    define.bad(method, "name", "it cannot be empty")
  elseif options.type and not (" " .. table.concat(POOL_TYPES, " ") .. " "):find(" " .. options.type .. " ", 1, true) then
    define.bad(method, "type", ("'%s' is none of: %s"):format(options.type, table.concat(POOL_TYPES, ", ")))
  end
  local source, target = {}, nil
  for _, row in ipairs(POOL_OPTIONS) do
    local key, made, child = row[1], row[3], row[4]
    if options[key] == "" then
      define.bad(method, key, "it cannot be empty")
    elseif options[key] and child then
      source[child] = made(options[key])
    elseif options[key] then
      target = made(options[key])
    end
  end
  return core.element("pool", { type = options.type or "dir", name = { name }, source = next(source) and source or nil, target = target })
end

define(core.Host, "Host", {
  name = "pool_define_as",
  method = true,
  help = "Defines a storage pool, without XML. pool:build() makes its directory or volume group, pool:create() starts it.",
  result = "StoragePool",
  params = pool_params(),
  blocks = true,
  run = function(host, name, options)
    return host:storage_pool_define_xml(pool_element("pool_define_as", name, options))
  end,
})

define(core.Host, "Host", {
  name = "pool_create_as",
  method = true,
  help = "Starts a storage pool that is forgotten when it stops, without XML.",
  result = "StoragePool",
  params = pool_params({ name = "build", type = "boolean", help = "make its directory or volume group first" }),
  blocks = true,
  run = function(host, name, options)
    return host:storage_pool_create_xml(pool_element("pool_create_as", name, options), { with_build = options.build })
  end,
})
