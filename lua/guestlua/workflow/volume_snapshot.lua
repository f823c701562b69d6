-- Snapshots of one volume of a guest, as a storage service asks for them: volume_snapshot_create puts an image on top that the service has made, and
-- volume_snapshot_delete merges one away. The volume is identified by its disk's serial or target.

local core = require("guestlua.core")
local define = require("guestlua.base.define")
local chain = require("guestlua.workflow.chain")
local claim = require("guestlua.workflow.claim")
local io_error = require("guestlua.workflow.io_error")
local retry = require("guestlua.workflow.retry")
local situation = require("guestlua.workflow.situation")
local freeze = require("guestlua.guest.freeze")
local freezing = require("guestlua.workflow.freezing")
local image = require("guestlua.disk.image")
local lower = require("guestlua.disk.lower")
local state = require("guestlua.workflow.state")
local steps = require("guestlua.workflow.steps")
local volumes = require("guestlua.workflow.volume")
local watchdog = require("guestlua.guest.watchdog")

-- Refuses an unknown snapshot type; there is only one.
local function check_type(method, options)
  if options.type and options.type ~= "qcow2" then
    define.bad(method, "type", "no such choice '" .. options.type .. "'; there is: qcow2")
  end
end

-- The full name of an image beside the disk's. A network disk's begins with the service's name of the volume.
local function beside(disk, name)
  if disk.type ~= "network" and name:find("^/") then
    return name
  end
  return ((disk.images[1] or ""):match(disk.type == "network" and "^[^/]*/" or "^.*/") or "") .. name
end

-- ---- create ----

-- What the snapshot is of, as a table for <disk>.
local function snapshot_disk(guest, disk, new)
  local source = { file = new }
  if disk.type == "network" then
    source = { protocol = disk.element.source.protocol, name = new, host = disk.element.source:children("host") }
  elseif disk.type ~= "file" then
    steps.fail("argument_unsupported", guest, {
      device = disk.target,
      device_type = "disk",
      message = ("a disk of type %s: there is no place for a file beside its image"):format(disk.type),
    })
  end
  return { name = disk.target, snapshot = "external", type = disk.type, source = source }
end

-- Takes the snapshot with frozen file systems, or without if that fails and the caller does not insist. Returns whether they were frozen.
local function take(run, quiesce)
  local guest, list = run.guest, { run.wanted }
  local flags = { disk_only = true, no_metadata = true, reuse_ext = true, quiesce = quiesce ~= "no" }
  local ok, e = pcall(chain.snapshot, run, list, flags)
  if ok then
    return flags.quiesce
  elseif quiesce ~= "if it can be" or retry.stops(e) or chain.images(guest, run.data.target)[1] == run.data.image then
    error(e, 0)
  end
  freeze.thaw_once(guest)
  flags.quiesce = false
  chain.snapshot(run, list, flags)
  return false
end

local function plan_create(run)
  local guest, options = run.guest, run.options
  run.before = state.check(guest)
  local disk = volumes.find(run, run.args.volume)
  chain.check_fit(guest, disk)
  chain.check_plain(run, disk)
  local new = beside(disk, options.new_file)
  local quiesce = options.quiesce == nil and "if it can be" or options.quiesce and "yes" or "no"
  if chain.has(disk.images, new) then
    chain.fail("operation_invalid", guest, disk.target, { message = ("the disk has %s already"):format(new) })
  end
  run.wanted = snapshot_disk(guest, disk, new)
  if disk.type == "file" then
    image.check_based_on(guest, disk.target, new, disk.images[1])
    image.check_unused(guest, disk.target, new)
  end
  if quiesce == "yes" then
    freeze.check_quiesce(guest)
  elseif quiesce == "if it can be" and not retry.try(freeze.check_agent, guest) then
    quiesce = "no"
  end
  run:watch({ disk.target }, { new })
  return { target = disk.target, image = new, was = disk.images, quiesce = quiesce }
end

local function create(run)
  local data = run.data
  if data.quiesce == "yes" then
    freezing.begin(run)
  elseif data.quiesce ~= "no" and not retry.try(freezing.begin, run) then
    data.quiesce = "no"
  end
  local dog <close> = data.quiesce ~= "no" and watchdog.start(run.guest) or nil -- luacheck: ignore dog
  run.quiesced = take(run, data.quiesce)
  if data.quiesce ~= "no" then
    freezing.record_over(run)
  end
  if core.dry_run() then
    return
  end
  local images = chain.images(run.guest, data.target)
  if images[1] ~= data.image or images[2] ~= data.was[1] then
    run:interfered(("the disk's images are %s, and should be %s on %s"):format(chain.text(images), data.image, data.was[1]))
  end
  run:expect(data.target, { images = images })
end

-- The image is the caller's: it stays where it is, in the chain or not. Can be called again.
local function uncreate(run)
  local guest, data = run.guest, run.data
  local active = guest:is_active()
  if active and data.quiesce ~= "no" and freezing.may_last(run) then
    freeze.thaw_once(guest)
  end
  local found, off = chain.find(guest, data.target), active and "" or "the guest is off: "
  if not found then
    return off .. "it does not have the disk any more"
  elseif chain.has(found.images, data.image) then
    return off .. "the snapshot was taken: the disk has " .. data.image
  elseif not active then
    return off .. "it starts with the disk's image " .. chain.text(found.images)
  end
  return "undone: the snapshot was not taken"
end

steps.define({
  name = "volume_snapshot_create",
  help = "Puts a new image on top of a volume: the guest's later writes go there, and the images below do not change. The image must exist "
    .. "beside the volume's, as a qcow2 based on it. The file systems are frozen meanwhile if possible.",
  fields = {
    { name = "disk", type = "string", help = "the disk's target" },
    { name = "images", type = "string[]", help = "the disk's chain now, the topmost image first" },
    { name = "quiesced", type = "boolean", help = "whether the file systems were frozen" },
    { name = "snapshot_id", type = "string?", help = "the option snapshot_id" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "volume_id", type = "string", positional = true, required = true, help = "the serial of the volume's disk, or its target" },
    { name = "new_file", type = "string", required = true, help = "the new image: a path, or a name in the directory of the present one" },
    { name = "type", type = "string", help = "\"qcow2\"; there is no other" },
    { name = "snapshot_id", type = "string", help = "the caller's name of the snapshot" },
    chain.PLAIN,
    { name = "quiesce", type = "boolean", help = "true: the file systems must be frozen; false: they are not; nil: they are if possible" },
  },
  arguments = function(run, volume)
    check_type("volume_snapshot_create", run.options)
    local bad = image.bad_name("/" .. run.options.new_file)
    if bad then
      define.bad("volume_snapshot_create", "new_file", bad)
    end
    run.args = { volume = volume }
  end,
  plan = plan_create,
  beside = io_error.watch,
  { "snapshot", run = create, undo = uncreate, change = true },
  { "verify", run = io_error.check, checks = true },
  result = function(run)
    local images = chain.images(run.guest, run.data.target)
    return { disk = run.data.target, images = images, quiesced = run.quiesced, snapshot_id = run.options.snapshot_id,
      plain = run.plain }
  end,
})

-- ---- delete ----

-- The image called `file`: the key by which libvirt finds it, which on a network disk is its number, its name in the chain, its element, and its
-- place there.
local function name_in_chain(guest, disk, file)
  if not file then
    return nil
  end
  local layer = disk.element
  for i, name in ipairs(disk.images) do
    if name == beside(disk, file) or name == file then
      return disk.type == "network" and ("%s[%s]"):format(disk.target, i > 1 and layer.index or 0) or name, name, layer, i
    end
    layer = layer.backingStore
  end
  steps.fail("operation_invalid", guest, {
    device = disk.target,
    device_type = "disk",
    message = ("%s is no image of the disk: it has %s"):format(file, chain.text(disk.images)),
  })
end

-- Relative names of base images stay relative; libvirt refuses that if there are none.
local function keeping_relative(start, options)
  options.relative = true
  local ok, e = pcall(start, options)
  if not ok and core.Error.is(e, "operation_invalid") and e.message:find("relative", 1, true) then
    options.relative = nil
    start(options)
  elseif not ok then
    error(e, 0)
  end
end

-- The resulting chain.
local function merged(images, top, base, is_commit)
  local after, between = {}, false
  for _, name in ipairs(images) do
    if name == base then
      between = false
    end
    if not between and not (is_commit and name == top) then
      after[#after + 1] = name
    end
    if name == top then
      between = true
    end
  end
  return after
end

-- The numbers of get_job_info().job.
local PULL, COMMIT = 1, 3

-- Refuses images with nothing to merge between them: libvirt would only say so when the merge is asked for.
local function check_order(run, disk, file, at, into, to)
  local message = not into and at == 1 and "%s is the disk's topmost image: there is nothing above it to be pulled up"
    or into and to <= at and "%s is not above %s, and cannot be merged down into it"
  if message then
    chain.fail("operation_invalid", run.guest, disk.target, { message = message:format(file, into) })
  end
end

local function plan_delete(run)
  local guest, options = run.guest, run.options
  if not guest:is_active() then
    chain.fail("operation_invalid", guest, run.args.volume, {
      message = "the guest is off: only the QEMU of a running guest can merge its images from here",
      hint = "start it, paused if need be: guest:launch{pause=true}; or use qemu-img on its host",
    })
  end
  run.before = state.check(guest, { pmsuspended = true })
  local disk = volumes.find(run, run.args.volume)
  chain.check_idle(guest, disk.target, run:watch({ disk.target }).disks[disk.target])
  local file, file_image, _, at = name_in_chain(guest, disk, options.file_to_merge)
  local into, into_image, into_layer, to = name_in_chain(guest, disk, options.merge_target_file)
  if into and file_image == disk.images[1] then
    chain.fail("operation_invalid", guest, disk.target, {
      message = ("%s is the disk's topmost image, which the guest writes to"):format(file_image),
      hint = "disk:commit(base, top, {active=true}) merges that; or name an image below it",
    })
  end
  check_order(run, disk, file_image, at, into_image, to)
  if into and disk.type == "file" then
    volumes.check_alone(run, disk, file_image, into_image)
  end
  if not chain.is_encrypted(into_layer or disk.element) then
    chain.check_plain(run, disk)
  end
  return {
    target = disk.target,
    was = disk.images,
    file = file,
    into = into,
    into_file = into and disk.type == "file" and lower.known(guest, into_image) or nil,
    wanted = into and merged(disk.images, file_image, into_image, true) or merged(disk.images, disk.images[1], file_image, false),
    job = into and COMMIT or PULL,
  }
end

local function merge(run)
  local disk, data = chain.device(run, run.data.target), run.data
  local options = { bandwidth = run.options.bandwidth }
  chain.check_same(run, data.into_file)
  run.asked = true
  local ok, e = pcall(function()
    if data.into then
      keeping_relative(function(how)
        disk:commit(data.into, data.file, how)
      end, options)
    elseif data.file then
      keeping_relative(function(how)
        disk:rebase(data.file, how)
      end, options)
    else
      disk:rebase(nil, options)
    end
  end)
  if not ok then
    run.asked = not (core.Error.is(e) and e.message:find("active block job", 1, true)) -- somebody else was faster
    error(e, 0)
  end
  run.asked = state.look(run.guest).id
  run:expect(data.target, { job = true, becoming = data.wanted }) -- may happen at any moment from now on
end

-- Whether the disk's job can be the run's: of the same kind, on the same images, and already asked for, of the same instance of the guest.
local function may_be_own(run, job, images)
  local data = run.data
  return (run.asked or run.recovering) and job.job == data.job and situation.has_below(images, data.was)
    and (run.asked == state.look(run.guest).id or claim.is_same_instance(run.guest, run.id))
end

-- How an undo left a merge that is done. A commit is written when it is over.
local function finished(run, images)
  local written = run.data.into or retry.try(chain.flush, run.guest, run.data.target)
  return ("finished: the disk's images are %s%s"):format(images, written and "" or "; " .. chain.UNWRITTEN)
end

-- Ends the run's job. The chain is then intact, and the merge can be asked for again. Can be called again.
local function end_merge(run)
  local guest, data = run.guest, run.data
  if not guest:is_active() then
    return "the guest is off: the merge has ended with it"
  end
  local found = chain.find(guest, data.target)
  if not found then
    return "the running guest does not have the disk any more"
  elseif situation.has_below(found.images, data.wanted) then
    return finished(run, chain.text(found.images))
  end
  local disk = guest:get_block_device(data.target)
  local job = disk:get_job_info()
  if job and not may_be_own(run, job, found.images) then
    return "the disk has a job that is not the run's: it goes on; the disk's images are " .. chain.text(found.images)
  elseif job then
    local ok, e = pcall(disk.abort_job, disk)
    if not ok and disk:get_job_info() then
      error(e, 0)
    end
  end
  local images = chain.images(guest, data.target)
  return situation.has_below(images, data.wanted) and finished(run, chain.text(images)) -- it may have been over by then
    or "the merge was ended; the disk's images are " .. chain.text(images)
end

local function is_merged(run)
  return chain.text(chain.images(run.guest, run.data.target)) == chain.text(run.data.wanted)
end

local function wait(run)
  chain.await(run, chain.device(run, run.data.target), "completed", function()
    return is_merged(run)
  end)
  run:expect(run.data.target, { images = run.data.wanted, becoming = false, job = false })
  if not run.data.into then
    chain.flush(run.guest, run.data.target)
  end
end

local function verify(run)
  if not is_merged(run) then
    run:interfered(("the disk's images are %s, and should be %s"):format(
      chain.text(chain.images(run.guest, run.data.target)), chain.text(run.data.wanted)))
  end
  io_error.check(run)
end

steps.define({
  name = "volume_snapshot_delete",
  help = "Merges an image of a volume away while the guest runs. With merge_target_file, file_to_merge is merged down into that image; without, "
    .. "the images between the topmost and file_to_merge are pulled up into the topmost. The image's file is not removed. It refuses to merge into "
    .. "an image that another guest or a snapshot needs. If a step fails the chain is intact, and the merge can be asked for again.",
  fields = {
    { name = "disk", type = "string", help = "the disk's target" },
    { name = "images", type = "string[]", help = "the disk's chain now, the topmost image first" },
    chain.PLAIN_FIELD,
  },
  params = {
    { name = "guest", type = "Guest", positional = true, required = true, help = "the Guest; it must run" },
    { name = "volume_id", type = "string", positional = true, required = true, help = "the serial of the volume's disk, or its target" },
    { name = "file_to_merge", type = "string", help = "the image to merge down; without merge_target_file the topmost image's new "
      .. "base, nil: none, everything is pulled up" },
    { name = "merge_target_file", type = "string", help = "the image to merge into" },
    { name = "type", type = "string", help = "\"qcow2\"; there is no other" },
    chain.PLAIN,
    { name = "timeout", type = "number", help = "seconds for the whole workflow; after that the merge is ended" },
    { name = "bandwidth", type = "integer", most = chain.MOST_BANDWIDTH, help = "MiB/s that the merge may use" },
    { name = "on_progress", type = "function", help = "called with the merge's get_job_info() every half second" },
  },
  arguments = function(run, volume)
    check_type("volume_snapshot_delete", run.options)
    if run.options.merge_target_file and not run.options.file_to_merge then
      define.bad("volume_snapshot_delete", "file_to_merge", "string expected with merge_target_file, got nil")
    end
    run.args = { volume = volume }
  end,
  plan = plan_delete,
  beside = io_error.watch,
  { "merge", run = merge, undo = end_merge, change = true },
  { "wait", run = wait },
  { "verify", run = verify, checks = true },
  result = function(run)
    return { disk = run.data.target, images = chain.images(run.guest, run.data.target), plain = run.plain }
  end,
})
