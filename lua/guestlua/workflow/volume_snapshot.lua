-- Snapshots of one volume of a guest, as a storage service asks for them: volume_snapshot_create puts an image on top that the service has made, and
-- volume_snapshot_delete merges one away. The volume is known by its disk's serial, or by the disk's target.

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local chain = require("guestlua.workflow.chain")
local journal = require("guestlua.journal")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

-- Says what is wrong with the type of a snapshot; there is one.
local function check_type(method, options)
  if options.type and options.type ~= "qcow2" then
    define.bad(method, "type", "no such choice '" .. options.type .. "'; there is: qcow2")
  end
end

local function find_volume(guest, volume)
  local found
  for _, disk in ipairs(chain.disks(guest)) do
    local serial = disk.element.serial and disk.element.serial[1]
    if serial == volume then
      return disk
    elseif disk.target == volume then
      found = disk
    end
  end
  if not found then
    frame.fail("device_not_found", guest, { device = volume, device_type = "disk", message = "no disk has this serial, or this target" })
  end
  return found
end

-- What an image of that name is called, beside the disk's. A network disk's begins with the service's name of the volume.
local function beside(disk, name)
  if disk.type ~= "network" and name:find("^/") then
    return name
  end
  return (disk.images[1]:match(disk.type == "network" and "^[^/]*/" or "^.*/") or "") .. name
end

-- ---- create ----

-- The disks that are not meant are named too: libvirt would take them.
local function snapshot_xml(guest, disk, new)
  local list = {}
  for _, element in ipairs(core.element(guest:get_xml_desc()).devices:children("disk")) do
    if element.target.dev ~= disk.target then
      list[#list + 1] = { name = element.target.dev, snapshot = "no" }
    end
  end
  local source = { file = new }
  if disk.type == "network" then
    source = { protocol = disk.element.source.protocol, name = new, host = disk.element.source:children("host") }
  elseif disk.type ~= "file" then
    frame.fail("argument_unsupported", guest, {
      device = disk.target,
      device_type = "disk",
      message = ("a disk of type %s: there is no place for a file beside its image"):format(disk.type),
    })
  end
  table.insert(list, 1, { name = disk.target, snapshot = "external", type = disk.type, source = source })
  return core.element("domainsnapshot", { disks = { disk = list } })
end

-- A snapshot that could not be taken with frozen file systems is taken without, where the caller does not insist. Whether it was frozen.
local function take(guest, target, xml, quiesce, new)
  local flags = { disk_only = true, no_metadata = true, reuse_ext = true, quiesce = quiesce ~= "no" }
  local ok, e = pcall(guest.snapshot, guest, xml, flags)
  if ok then
    return flags.quiesce
  elseif quiesce ~= "if it can be" or chain.images(guest, target)[1] == new then
    error(e, 0)
  end
  frame.thaw(guest)
  flags.quiesce = false
  guest:snapshot(xml, flags)
  return false
end

local function outcome_of_create(guest, target, new)
  if chain.has(chain.images(guest, target), new) then
    return "the snapshot was taken: the disk has " .. new
  end
  return "undone: the snapshot was not taken"
end

journal.recoverers.volume_snapshot_create = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  elseif not guest:is_active() then
    return "the guest is off"
  elseif entry.quiesce ~= "no" then
    frame.thaw(guest)
  end
  return outcome_of_create(guest, entry.target, entry.image)
end

define(workflow, "workflow", {
  name = "volume_snapshot_create",
  help = "Puts a new image on top of a volume: what the guest writes from then on goes there, and what is below does not change. The image is there "
    .. "already, beside the volume's, as a qcow2 that is based on it. The file systems are frozen meanwhile if that can be.",
  returns = "a table: workflow, guest, steps, seconds, disk, images (the disk's chain), quiesced (whether the file systems were frozen), snapshot_id",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
    { name = "volume_id", type = "string", positional = true, required = true, help = "the serial of the volume's disk, or its target" },
    { name = "new_file", type = "string", required = true, help = "the new image: a path, or a name in the directory of the one that there is" },
    { name = "type", type = "string", help = "\"qcow2\"; there is no other" },
    { name = "snapshot_id", type = "string", help = "what the caller knows the snapshot by" },
    { name = "quiesce", type = "boolean", help = "true: the file systems must be frozen; false: they are not; nil: they are, if that can be" },
  },
  run = function(guest, volume, options)
    core.check_self(guest, "Guest", "volume_snapshot_create")
    check_type("volume_snapshot_create", options)
    return frame.run("volume_snapshot_create", guest, function(run)
      local disk, new, xml
      local quiesce = options.quiesce == nil and "if it can be" or options.quiesce and "yes" or "no"
      run:step("look", function()
        disk = find_volume(guest, volume)
        new = beside(disk, options.new_file)
        if chain.has(disk.images, new) then
          frame.fail("operation_invalid", guest, { device = disk.target, device_type = "disk", message = ("the disk has %s already"):format(new) })
        end
        xml = snapshot_xml(guest, disk, new)
        if quiesce == "yes" then
          frame.check_agent(guest)
        elseif quiesce == "if it can be" and not pcall(frame.check_agent, guest) then
          quiesce = "no"
        end
      end)
      run:record({ step = "snapshot", target = disk.target, image = new, quiesce = quiesce })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the file systems may be frozen; the journal knows: guestlua.recover(host)")
        frame.insist(guest, function()
          if quiesce ~= "no" then
            frame.thaw(guest)
          end
          run:left(outcome_of_create(guest, disk.target, new))
        end)
        run:forget()
      end)
      local quiesced = run:change("snapshot", take, guest, disk.target, xml, quiesce, new)
      local images = run:step("verify", chain.images, guest, disk.target)
      if images[1] ~= new then
        frame.fail("operation_failed", guest, {
          device = disk.target,
          device_type = "disk",
          message = ("the disk's images are %s, and %s is not the topmost"):format(chain.text(images), new),
        })
      end
      guard:keep()
      return { disk = disk.target, images = images, quiesced = quiesced, snapshot_id = options.snapshot_id }
    end)
  end,
})

-- ---- delete ----

-- The image that is called `file`: what libvirt finds it by, which for one of a network disk is its number, and its name in the chain.
local function name_in_chain(guest, disk, file)
  if not file then
    return nil
  end
  local layer = disk.element
  for i, image in ipairs(disk.images) do
    if image == beside(disk, file) or image == file then
      return disk.type == "network" and ("%s[%s]"):format(disk.target, i > 1 and layer.index or 0) or image, image
    end
    layer = layer.backingStore
  end
  frame.fail("operation_invalid", guest, {
    device = disk.target,
    device_type = "disk",
    message = ("%s is no image of the disk: it has %s"):format(file, chain.text(disk.images)),
  })
end

-- Names of base images that are relative stay so; libvirt refuses to keep what is not there.
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

-- The chain that is to come of it.
local function merged(images, top, base, is_commit)
  local after, between = {}, false
  for _, image in ipairs(images) do
    if image == base then
      between = false
    end
    if not between and not (is_commit and image == top) then
      after[#after + 1] = image
    end
    if image == top then
      between = true
    end
  end
  return after
end

journal.recoverers.volume_snapshot_delete = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  elseif not guest:is_active() then
    return "the guest is off: the merge has ended with it"
  end
  local images = chain.images(guest, entry.target)
  if chain.text(images) == chain.text(entry.wanted) then
    return "finished: the disk's images are " .. chain.text(images)
  end
  chain.end_job(guest:get_block_device(entry.target))
  return "the merge was ended; the disk's images are " .. chain.text(chain.images(guest, entry.target))
end

define(workflow, "workflow", {
  name = "volume_snapshot_delete",
  help = "Merges an image of a volume away while the guest runs. With merge_target_file, what is in file_to_merge is merged down into that; without, "
    .. "what is between the topmost image and file_to_merge is pulled up into the topmost. The image's file is not removed. Where a step fails the "
    .. "chain is whole, and the merge can be asked for again.",
  returns = "a table: workflow, guest, steps, seconds, disk, images (the disk's chain)",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
    { name = "volume_id", type = "string", positional = true, required = true, help = "the serial of the volume's disk, or its target" },
    { name = "file_to_merge", type = "string", help = "the image to merge down; without merge_target_file the one that becomes the topmost image's "
      .. "base, nil: none, all is pulled up" },
    { name = "merge_target_file", type = "string", help = "the image to merge into" },
    { name = "type", type = "string", help = "\"qcow2\"; there is no other" },
    { name = "timeout", type = "number", help = "seconds that the merge may take" },
    { name = "bandwidth", type = "integer", help = "MiB/s that the merge may use" },
    { name = "on_progress", type = "function", help = "called with the merge's get_job_info() every half second" },
  },
  run = function(guest, volume, options)
    core.check_self(guest, "Guest", "volume_snapshot_delete")
    check_type("volume_snapshot_delete", options)
    if options.merge_target_file and not options.file_to_merge then
      define.bad("volume_snapshot_delete", "file_to_merge", "string expected with merge_target_file, got nil")
    end
    return frame.run("volume_snapshot_delete", guest, function(run)
      local disk, file, into, wanted
      run:step("look", function()
        if not guest:is_active() then
          frame.fail("operation_invalid", guest, {
            device = volume,
            device_type = "disk",
            message = "the guest is off: only the QEMU of a running guest can merge its images from here",
            hint = "start it, paused if need be: guest:launch{pause=true}; or use qemu-img on its host",
          })
        end
        disk = find_volume(guest, volume)
        chain.check_idle(guest, disk.target)
        local file_image, into_image
        file, file_image = name_in_chain(guest, disk, options.file_to_merge)
        into, into_image = name_in_chain(guest, disk, options.merge_target_file)
        wanted = into and merged(disk.images, file_image, into_image, true) or merged(disk.images, disk.images[1], file_image, false)
      end)
      local block_device = guest:get_block_device(disk.target)
      run:record({ step = "merge", target = disk.target, wanted = wanted })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the merge may go on; the journal knows: guestlua.recover(host)")
        frame.insist(guest, function()
          chain.end_job(block_device)
          run:left("the merge was ended; the disk's images are " .. chain.text(chain.images(guest, disk.target)))
        end)
        run:forget()
      end)
      local function is_merged()
        return chain.text(chain.images(guest, disk.target)) == chain.text(wanted)
      end
      run:change("merge", function()
        if into then
          keeping_relative(function(how)
            block_device:commit(into, file, how)
          end, { bandwidth = options.bandwidth })
        elseif file then
          keeping_relative(function(how)
            block_device:rebase(file, how)
          end, { bandwidth = options.bandwidth })
        else
          block_device:rebase(nil, { bandwidth = options.bandwidth })
        end
      end)
      run:step("wait", chain.await, block_device, "completed", { timeout = options.timeout, on_progress = options.on_progress }, is_merged)
      local images = run:step("verify", chain.images, guest, disk.target)
      if chain.text(images) ~= chain.text(wanted) then
        frame.fail("operation_failed", guest, {
          device = disk.target,
          device_type = "disk",
          message = ("the disk's images are %s, and should be %s"):format(chain.text(images), chain.text(wanted)),
        })
      end
      guard:keep()
      return { disk = disk.target, images = images }
    end)
  end,
})
