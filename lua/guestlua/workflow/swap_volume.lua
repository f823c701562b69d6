-- Moves a running guest's disk to another volume: the disk is copied while the guest runs, and then the guest uses the copy, now and after a restart.

local core = require("guestlua.core")
local chain = require("guestlua.workflow.chain")
local define = require("guestlua.base.define")
local image = require("guestlua.disk.image")
local lower = require("guestlua.disk.lower")
local io_error = require("guestlua.workflow.io_error")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")

local NAME = "swap_volume"

-- The <disk> of a volume in a pool.
local function disk_of(run, volume)
  local known, path = core.element(volume:get_xml_desc()), volume:get_path()
  local of, format = known.target, known.target and known.target.format
  if volume.host.uri ~= run.guest.host.uri then
    define.bad(NAME, "conf", "a StorageVol of the guest's host expected, got one of another host")
  elseif of and of.encryption then
    define.bad(NAME, "conf", "the volume is encrypted: a <disk> with its <encryption> in the <source> expected")
  elseif known.type ~= "file" and known.type ~= "block" then
    define.bad(NAME, "conf", ("a volume that is a file or a block device expected, got one of type '%s'"):format(known.type))
  end
  run.options.reuse_ext = true
  return core.element("disk", { type = known.type, device = "disk", driver = { name = "qemu", type = format and format.type or "raw" },
    source = { [known.type == "block" and "dev" or "file"] = path } })
end

local function arguments(run, target, conf)
  local is_volume, e = pcall(core.check_self, conf, "StorageVol", NAME)
  if core.Error.is(e, "closed") then
    error(e, 0)
  end
  local destination = is_volume and disk_of(run, conf) or type(conf) == "string" and core.element(conf) or conf
  if destination.type == "volume" then
    define.bad(NAME, "conf", "libvirt copies to no <disk type='volume'>", "hand over the volume itself: host:pool(name):volume(name)")
  end
  local name, is_file = chain.image_of(destination), (destination.type or "file") == "file" -- as libvirt reads it
  if not name or is_file and not destination.source.file then
    define.bad(NAME, "conf", "it has no <source> that names the volume" .. (name and ": without a type it is a file" or ""))
  end
  local bad = is_file and image.bad_name(name)
  if bad then
    define.bad(NAME, "conf", ("<source file=…>: %s"):format(bad))
  end
  run.args = { target = target, destination = destination, name = name, made = is_file and not run.options.reuse_ext }
end

-- A raw encrypted volume begins with a header, so it is larger than what it holds. libvirt 11 takes one as large as the disk for a plain one, and
-- what the guest has goes over the header, unencrypted. A volume on another host cannot be measured from here, and a pipe would be waited for.
local function check_header_room(run, target, name)
  local driver = run.args.destination.driver
  if driver and driver.type and driver.type ~= "raw" then
    return
  end
  local there = image.is_local(run.guest) and core.identify(name)
  local file <close> = there and there.readable and io.open(name, "rb") or nil
  local size = file and file:seek("end")
  local capacity = size and run.guest:get_block_device(target):get_block_info().capacity
  if size and size <= capacity then
    chain.fail("operation_invalid", run.guest, target, {
      message = ("%s is encrypted and has %d bytes: with its header it has no room for the disk's %d"):format(name, size, capacity),
      hint = "make the volume larger: qemu-img create -f luks adds the header's size to the one that it is given",
    })
  end
end

local function plan(run)
  local guest, target, name = run.guest, run.args.target, run.args.name
  run.before = state.check(guest, { pmsuspended = true })
  local disk = chain.disk(guest, target, { domain = run:domain() })
  local was, before = disk.images, run:watch({ target }, { name })
  chain.check_idle(guest, target, before.disks[target])
  chain.check_fit(guest, disk)
  local destination = run.args.destination
  if not chain.is_encrypted(destination) then
    chain.check_plain(run, disk)
  elseif run.options.reuse_ext then
    check_header_room(run, target, name)
  end
  if chain.has(was, name) then
    chain.fail("operation_invalid", guest, target, { message = ("the disk has %s already"):format(name) })
  elseif run.args.made then
    image.check_new(guest, target, name)
  else
    image.check_unused(guest, target, name, true)
  end
  if run.options.resize_to then
    local capacity = guest:get_block_device(target):get_block_info().capacity
    if run.options.resize_to < capacity then
      chain.fail("operation_invalid", guest, target, {
        message = ("the disk has %d bytes, and %d are fewer: the data after them would be lost"):format(capacity, run.options.resize_to),
      })
    end
  end
  return {
    target = target,
    was = was,
    file = image.at(guest, name),
    there = run.options.reuse_ext and lower.known(guest, name) or nil,
    made = run.args.made,
    configured = chain.configured(guest, target, was[1], chain.configuration(guest, before.persistent)) ~= nil,
  }
end

local function make(run)
  if run.data.made then
    image.make(run.guest, run.data.target, run.data.file, run.data.was[1])
  end
end

-- The outcome for a guest that did not move. Others may have changed its disk.
local function unmoved(run)
  local guest, data = run.guest, run.data
  if not guest:is_active() then
    return "undone: the guest is off, and was not moved"
  end
  local disk = chain.find(guest, data.target)
  if not disk and data.pivoted then
    return "the guest does not have the disk any more, which may have moved to the volume before"
  elseif not disk then
    return "undone: the guest was not moved; it does not have the disk at the moment"
  elseif chain.text(disk.images) ~= chain.text(data.was) then
    return (data.pivoted and "the guest may have moved to the volume before" or "undone: the guest was not moved") .. "; the disk's images are "
      .. chain.text(disk.images)
  end
  return "undone: the guest has the volume that it had"
end

-- Removes the copy if the guest has not moved. Once the guest may have written there, only its own chain proves anything.
local function remove(run)
  local data = run.data
  if run.moved then
    return nil
  elseif not data.made then
    return unmoved(run)
  end
  local gone, why = false, "the guest may have written to it"
  if not data.pivoted then
    gone, why = image.remove(run.guest, data.file)
  end
  if not gone then
    run:leave(data.file.path, why)
  end
  return unmoved(run)
end

-- If the guest is on the new volume its configuration has to say so. A recent libvirt does that itself. Can be called again.
local function follow(run)
  local guest, data = run.guest, run.data
  if not guest:has_persistent_configuration() then
    return
  end
  local live = chain.disk(guest, data.target)
  local config = core.element(guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true }))
  for _, element in ipairs(config.devices:children("disk")) do
    if element.target.dev == data.target and chain.image_of(element) == data.was[1] then
      element.type, element.source, element.driver = live.type, live.element.source, live.element.driver
      element.source.index = nil -- valid in the running guest only
      if element.backingStore then
        element.backingStore:remove()
      end
      guest.host:write_instance_config(config):close()
    end
  end
end

local function copy(run)
  chain.copy(run, chain.device(run, run.data.target), run.args.destination, run.data.file.path)
  if run.data.made then
    image.confirm(run.data.file)
  end
end

-- Ends the copy if it is still running; otherwise updates the configuration. Can be called again.
local function settle(run)
  local guest, data = run.guest, run.data
  local name, images = data.file.path, nil
  if guest:is_active() then
    local found = chain.find(guest, data.target)
    if found then
      chain.end_job_to(guest, data.target, name)
      images = chain.find(guest, data.target).images
    end
  else
    local found = chain.find(guest, data.target, { inactive = true })
    images = found and found.images
  end
  if not images or not chain.has(images, name) then
    return nil
  end
  run.moved = true
  if guest:is_active() and images[1] == name then
    follow(run)
  end
  return ("finished: the guest has moved to %s%s"):format(name, images[1] ~= name and "; its images are " .. chain.text(images) or "")
end

local function ready(run)
  chain.await(run, chain.device(run, run.data.target), "ready")
end

local function pivot(run)
  local target, name = run.data.target, run.data.file.path
  image.check_own(run.guest, target, run.data.file)
  chain.check_same(run, run.data.there)
  run.data.pivoted = true
  run:record("pivot")
  chain.pivot(run, target, name)
  chain.await(run, chain.device(run, target), "completed", function()
    return chain.images(run.guest, target)[1] == name
  end)
  run:expect(target, { mirror = false, job = false, images = not core.dry_run() and chain.images(run.guest, target) or nil })
end

local function resize(run)
  local disk = run.guest:get_block_device(run.data.target)
  disk:resize(run.options.resize_to)
  run:expect(run.data.target, { capacity = not core.dry_run() and disk:get_block_info().capacity })
end

local function verify(run)
  local guest, data = run.guest, run.data
  local images = chain.images(guest, data.target, { domain = run:domain() }) -- compared right before
  if images[1] ~= data.file.path then
    run:interfered(("the disk's images are %s, and not %s"):format(chain.text(images), data.file.path))
  end
  local configuration = data.configured and chain.configuration(guest, run.expected.persistent)
  if data.configured and not chain.configured(guest, data.target, data.file.path, configuration) then
    local disk = configuration and chain.find(guest, data.target, { domain = configuration })
    run:interfered(not disk and "its configuration does not have the disk any more"
      or ("its configuration has another image for the disk, with which it will start: %s"):format(disk.images[1] or "none"))
  end
  io_error.check(run)
  run.images = images
end

local function gone(run)
  if run.data.made then
    run:leave(run.data.file.path, "the guest may have written to it")
  end
  return "the guest is gone"
end

steps.define({
  name = NAME,
  help = "Moves a disk of the running guest to another volume: copies it there, switches the guest to the copy, and updates its "
    .. "configuration. If a step before the move fails, the copy is removed and the guest keeps its disk; the error's outcome says which.",
  fields = {
    { name = "disk", type = "string", help = "the disk's target" },
    { name = "images", type = "string[]", help = "the disk's chain now, the topmost image first" },
    { name = "was", type = "string[]", help = "the chain before: the guest no longer uses its topmost image" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "disk", type = "string", positional = true, required = true, help = "the disk's target, for example \"vda\"" },
    { name = "conf", type = "Element or StorageVol or XML text", positional = true, required = true,
      help = "the new volume: a volume of a pool, which was made for it (reuse_ext); or a <disk> element, or its XML text" },
    { name = "resize_to", type = "integer", help = "the disk's new size in bytes, at least its present size; nil: unchanged" },
    { name = "reuse_ext", type = "boolean", help = "the volume exists already, for example in a pool, and nobody else has it; default: "
      .. "a file is made" },
    { name = "shallow", type = "boolean", help = "copy the topmost image only: the copy needs the images below it" },
    chain.PLAIN,
    { name = "timeout", type = "number", help = "seconds for the whole workflow; after that it is taken back" },
    { name = "bandwidth", type = "integer", most = chain.MOST_BANDWIDTH, help = "MiB/s that the copy may use" },
    { name = "on_progress", type = "function", help = "called with the copy's get_job_info() every half second" },
  },
  arguments = arguments,
  plan = plan,
  beside = io_error.watch,
  gone = gone,
  { "make", run = make, undo = remove },
  { "copy", run = copy, undo = settle, change = true },
  { "ready", run = ready, aside = true }, -- a copy that has failed already is no change by somebody else
  { "pivot", run = pivot, change = true },
  { "resize", run = resize, change = true, when = function(run) return run.options.resize_to end },
  { "configuration", run = follow, change = true, checks = true },
  { "verify", run = verify, checks = true },
  result = function(run)
    return { disk = run.data.target, images = run.images, was = run.data.was, plain = run.plain }
  end,
})
