-- Snapshots and checkpoints of the usual kinds, without writing XML.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local function named(method, name)
  if name == "" then
    define.bad(method, "name", "it cannot be empty")
  end
  return { name }
end

local function text_of(value)
  return value and { value } or nil
end

-- The <disk> elements of a snapshot: `disks` has a path for each target that gets a new image, or false for one that is left out.
local function snapshot_disks(disks)
  local list, targets = {}, {}
  for target, path in next, disks do
    if type(target) ~= "string" or path ~= false and (type(path) ~= "string" or path == "") then
      define.bad("snapshot_create_as", "disks", "a table like { vda = \"/path/of/the/new/image\", vdb = false } expected")
    end
    targets[#targets + 1] = target
  end
  table.sort(targets)
  for i, target in ipairs(targets) do
    list[i] = disks[target] and { name = target, snapshot = "external", source = { file = disks[target] } } or { name = target, snapshot = "no" }
  end
  return #list > 0 and { disk = list } or nil
end

define(core.Guest, "Guest", {
  name = "snapshot_create_as",
  method = true,
  help = "Takes a snapshot of that name, without XML. What else libvirt can take is for guest:snapshot().",
  result = "Snapshot",
  params = {
    { name = "name", type = "string", positional = true, required = true, help = "its name" },
    { name = "description", type = "string", help = "what it is for" },
    { name = "disk_only", type = "boolean", help = "external: the disks without the memory; the guest writes to new images beside the ones it has" },
    { name = "quiesce", type = "boolean", help = "freeze the file systems meanwhile; needs the agent, and disk_only" },
    { name = "disks", type = "table", help = "by target: the path of its new image, or false: left out; for the others libvirt chooses" },
    { name = "memory", type = "string", help = "a file for the memory: an external snapshot with it" },
    { name = "live", type = "boolean", help = "with memory: the guest runs while its memory is saved" },
  },
  blocks = true,
  run = function(guest, name, options)
    if options.memory == "" or options.description == "" then
      define.bad("snapshot_create_as", options.memory == "" and "memory" or "description", "it cannot be empty")
    elseif options.memory and options.disk_only then
      define.bad("snapshot_create_as", "memory", "disk_only is without the memory")
    end
    return guest:snapshot_create_xml(core.element("domainsnapshot", {
      name = named("snapshot_create_as", name),
      description = text_of(options.description),
      memory = options.memory and { snapshot = "external", file = options.memory } or nil,
      disks = options.disks and snapshot_disks(options.disks) or nil,
    }), { disk_only = options.disk_only, quiesce = options.quiesce, live = options.live, atomic = options.disk_only })
  end,
})

define(core.Guest, "Guest", {
  name = "checkpoint_create_as",
  method = true,
  help = "Makes a checkpoint of that name, without XML: from now on it is known what changes on the disks.",
  result = "Checkpoint",
  params = {
    { name = "name", type = "string", positional = true, required = true, help = "its name" },
    { name = "description", type = "string", help = "what it is for" },
    { name = "disks", type = "list of strings", help = "a list of targets: only these disks; default: all that can be written to" },
    { name = "quiesce", type = "boolean", help = "freeze the file systems meanwhile; needs the agent" },
  },
  blocks = true,
  run = function(guest, name, options)
    local disks = {}
    for i, target in ipairs(options.disks or {}) do
      disks[i] = { name = target, checkpoint = "bitmap" }
    end
    if options.description == "" then
      define.bad("checkpoint_create_as", "description", "it cannot be empty")
    elseif options.disks and #disks == 0 then
      define.bad("checkpoint_create_as", "disks", "a list of targets expected, as in { \"vda\" }")
    end
    return guest:checkpoint_create_xml(core.element("domaincheckpoint", {
      name = named("checkpoint_create_as", name),
      description = text_of(options.description),
      disks = #disks > 0 and { disk = disks } or nil,
    }), { quiesce = options.quiesce })
  end,
})

define(core.Snapshot, "Snapshot", {
  name = "get_info",
  method = true,
  help = "What the snapshot is: when it was taken, and of what. Its XML, snapshot:get_xml_desc(), has all there is.",
  fields = {
    { name = "created", type = "integer", help = "when it was taken, in seconds as those of os.time()" },
    { name = "state", type = "string", help = "what the guest did then, for example \"running\" or \"shutoff\"" },
    { name = "description", type = "string?", help = "what it is for" },
    { name = "parent", type = "string?", help = "the name of the one before it" },
    { name = "memory", type = "string?", help = "where the guest's memory is: \"internal\", in a disk's image, or \"external\", in a file" },
    { name = "external", type = "boolean", help = "a disk's content is in the image that it had, and the guest writes to another one since" },
    { name = "disks", type = "table", help = "by target: \"internal\" or \"external\"" },
  },
  blocks = true,
  run = function(snapshot)
    local element = core.element(snapshot:get_xml_desc())
    local function text(name)
      local child = element:child(name)
      return child and child[1]
    end
    local memory, disks, external = element.memory and element.memory.snapshot, {}, false
    for _, disk in ipairs(element.disks and element.disks:children("disk") or {}) do
      if disk.snapshot ~= "no" then
        disks[disk.name] = disk.snapshot
        external = external or disk.snapshot == "external"
      end
    end
    return {
      created = math.tointeger(tonumber(text("creationTime"))),
      state = text("state"),
      description = text("description"),
      parent = element.parent and element.parent.name[1],
      memory = memory ~= "no" and memory or nil,
      external = external,
      disks = disks,
    }
  end,
})
