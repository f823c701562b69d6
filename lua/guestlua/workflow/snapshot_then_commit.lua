-- Overlay, work, merge back: the disks get new images on top, something is done meanwhile (a backup of what is below, an upgrade that may have to be
-- taken back), and then what the guest wrote is merged and it goes on with the images that it had.
--
-- On every way out the disks are what they were: an error, a time that is over, Ctrl-C and a lost connection included. A killed run is recovered.

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local chain = require("guestlua.workflow.chain")
local journal = require("guestlua.journal")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

local NAME = "snapshot_then_commit"

-- For undoing, where the caller set no limit of his own, in seconds.
local COMMIT_FOR = 3600

-- "disk.qcow2" → "disk.guestlua-20260102-030405"; unique, as two runs on one disk cannot be under way at a time.
local function overlay_name(image)
  return image:gsub("%.[^./]*$", "") .. os.date("!.guestlua-%Y%m%d-%H%M%S") .. ("-%03d"):format(math.floor(core.now() * 1000) % 1000)
end

local function plan(guest, names)
  local disks = {}
  for _, disk in ipairs(chain.disks(guest, names)) do
    if disk.type ~= "file" then
      frame.fail("argument_unsupported", guest, {
        device = disk.target,
        device_type = "disk",
        message = ("a disk of type %s: this workflow makes overlays in files"):format(disk.type),
        hint = "name the disks that it should take, as in disks={\"vda\"}",
      })
    elseif guest:get_block_device(disk.target):get_job_info() then
      frame.fail("block_copy_active", guest, { device = disk.target, device_type = "disk", message = "the disk has a job already" })
    end
    disks[#disks + 1] = { target = disk.target, base = disk.images[1], overlay = overlay_name(disk.images[1]), images = disk.images }
  end
  if #disks == 0 then
    frame.fail("device_not_found", guest, { message = "the guest has no disk that an overlay could be made of" })
  end
  return disks
end

-- Those that are not meant are named too: libvirt would take them.
local function snapshot_xml(guest, disks)
  local meant, list = {}, {}
  for _, disk in ipairs(disks) do
    meant[disk.target] = true
    list[#list + 1] = { name = disk.target, snapshot = "external", type = "file", source = { file = disk.overlay } }
  end
  for _, element in ipairs(core.element(guest:get_xml_desc()).devices:children("disk")) do
    if not meant[element.target.dev] then
      list[#list + 1] = { name = element.target.dev, snapshot = "no" }
    end
  end
  return core.element("domainsnapshot", { disks = { disk = list } })
end

-- An overlay that nothing uses any more, where its file is on this machine. On another one it stays, and is told.
local function remove_overlay(guest, disk)
  for _, image in ipairs(chain.images(guest, disk.target)) do
    if image == disk.overlay then
      return false
    end
  end
  return os.remove(disk.overlay) and true or not io.open(disk.overlay)
end

-- Every disk back on its image, with all that the guest wrote. Can be called again. Gives the overlays whose files are left.
local function merge_back(guest, disks, options)
  local left = {}
  for _, disk in ipairs(disks) do
    chain.settle(guest, disk.target, disk.base, options)
    if not remove_overlay(guest, disk) then
      left[#left + 1] = disk.overlay
    end
  end
  return left
end

local function stop(guest)
  if guest:is_active() then
    guest:poweroff()
  end
end

-- The guest as it was when the snapshot was taken: what it wrote since is thrown away, and it starts anew. Can be called again.
local function roll_back(guest, disks)
  for _, disk in ipairs(disks) do
    if guest:is_active() then
      chain.end_job(guest:get_block_device(disk.target))
    end
  end
  local config = core.element(guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true }))
  local by_target = {}
  for _, disk in ipairs(disks) do
    by_target[disk.target] = disk
  end
  for _, element in ipairs(config.devices:children("disk")) do
    local disk = by_target[element.target.dev]
    if disk and element.source and element.source.file == disk.overlay then
      local backing = element.backingStore
      element.source.file = disk.base
      element.driver.type = backing and backing.format and backing.format.type or element.driver.type
      if backing then
        backing:remove()
      end
    end
  end
  stop(guest)
  guest.host:write_instance_config(config)
  guest:launch()
  local left = {}
  for _, disk in ipairs(disks) do
    if not remove_overlay(guest, disk) then
      left[#left + 1] = disk.overlay
    end
  end
  return left
end

-- The snapshot may freeze the guest's file systems, and whoever asked for it may be killed while they are.
local function thaw(guest)
  pcall(guest.thaw_filesystems, guest, { timeout = 30 })
end

journal.recoverers[NAME] = function(_, guest, entry)
  if not guest then
    return "the guest is gone"
  elseif not guest:is_active() then
    local inactive = chain.disks(guest, nil, { inactive = true })
    for _, disk in ipairs(inactive) do
      for _, was in ipairs(entry.disks) do
        if disk.target == was.target and disk.images[1] == was.overlay then
          frame.fail("operation_invalid", guest, {
            device = disk.target,
            device_type = "disk",
            message = ("the guest is off, and starts with the overlay %s; nothing is lost"):format(was.overlay),
            hint = "start it, and recover again",
          })
        end
      end
    end
    return "nothing was left"
  end
  if entry.quiesce then
    thaw(guest)
  end
  if entry.rolling_back then
    roll_back(guest, entry.disks)
    return "rolled back"
  end
  merge_back(guest, entry.disks, { timeout = COMMIT_FOR })
  return "merged back"
end

define(workflow, "workflow", {
  name = NAME,
  help = "Puts an overlay on the guest's disks, all at the same moment, calls `during` while the images below do not change, and merges the "
    .. "overlays back while the guest runs. Where a step fails, the merge is done all the same "
    .. "before the error is raised.",
  returns = "a table: workflow, guest, steps, seconds, disks (target, images), during (what `during` returned) and overlays_left, the files of "
    .. "overlays that nothing uses any more but that could not be removed from here",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
    { name = "disks", type = "table", help = "the targets of the disks, as in {\"vda\"}; nil: all that can be written to" },
    { name = "quiesce", type = "boolean", help = "freeze the guest's file systems for the moment of the snapshot; needs the guest agent" },
    { name = "during", type = "function", help = "called with the disks, a list of {target, base, overlay}, between snapshot and commit" },
    { name = "on_failure", type = "string", help = "where `during` fails: \"commit\", as where nothing is said, keeps what the guest "
      .. "wrote; \"rollback\" throws it away: the guest is powered off and started again as it was at the snapshot" },
    { name = "timeout", type = "number", help = "seconds that the merge of one disk may take" },
    { name = "bandwidth", type = "integer", help = "MiB/s that the merge may use" },
    { name = "on_progress", type = "function", help = "called with the merge's get_job_info() every half second" },
  },
  run = function(guest, options)
    core.check_self(guest, "Guest", NAME)
    if options.on_failure and options.on_failure ~= "commit" and options.on_failure ~= "rollback" then
      define.bad(NAME, "on_failure", "no such choice '" .. options.on_failure .. "'; there are: commit, rollback")
    end
    local merging = { timeout = options.timeout, bandwidth = options.bandwidth, on_progress = options.on_progress }
    return frame.run(NAME, guest, function(run)
      local disks = run:step("look", plan, guest, options.disks)
      local roll = false
      local xml = snapshot_xml(guest, disks)
      run:record({ step = "snapshot", disks = disks, quiesce = options.quiesce or false })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        elseif options.quiesce then
          thaw(guest)
        end
        if roll then
          run:record({ step = "rollback", rolling_back = true })
        end
        run:left("the guest's disks may still have overlays; the journal knows: guestlua.recover(host)")
        frame.insist(guest, function()
          if roll then
            return roll_back(guest, disks)
          end
          return merge_back(guest, disks, { timeout = options.timeout and math.max(options.timeout, 60) or COMMIT_FOR })
        end)
        run:left(roll and "rolled back: the guest was started again as it was at the snapshot" or "undone: the disks have the images they had, "
          .. "with all that the guest wrote")
        run:forget()
      end)

      run:step("snapshot", guest.snapshot, guest, xml, { disk_only = true, no_metadata = true, atomic = true, quiesce = options.quiesce or false })
      run:record({ step = "during" })
      local result
      run:step("during", function()
        if not options.during then
          return
        end
        roll = options.on_failure == "rollback"
        result = options.during(disks)
        roll = false
      end)
      run:record({ step = "commit" })
      run:step("commit", function()
        for _, disk in ipairs(disks) do
          chain.commit(guest, disk.target, merging)
        end
      end)
      local left = run:step("verify", merge_back, guest, disks, merging)
      guard:keep()
      local after = {}
      for _, disk in ipairs(disks) do
        after[#after + 1] = { target = disk.target, images = chain.images(guest, disk.target) }
      end
      return { disks = after, during = result, overlays_left = #left > 0 and left or nil }
    end)
  end,
})
