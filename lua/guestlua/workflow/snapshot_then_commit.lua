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

-- "disk.qcow2" → "disk.guestlua-20260102-030405-678"; unique, as two runs on one disk cannot be under way at a time.
local function overlay_name(image)
  return image:gsub("%.[^./]*$", "") .. os.date("!.guestlua-%Y%m%d-%H%M%S") .. ("-%03d"):format(math.floor(core.now() * 1000) % 1000)
end

-- For each disk: target, base (the image it has), overlay (the one it gets), and configuration, the disk as the guest would start with it.
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
    end
    chain.check_idle(guest, disk.target)
    disks[#disks + 1] = { target = disk.target, base = disk.images[1], overlay = overlay_name(disk.images[1]) }
  end
  if #disks == 0 then
    frame.fail("device_not_found", guest, { message = "the guest has no disk that an overlay could be made of" })
  end
  if guest:has_persistent_configuration() then
    for _, disk in ipairs(disks) do
      disk.configuration = tostring(chain.disk(guest, disk.target, { inactive = true }).element)
    end
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

-- Removes the overlays, none of which is used any more. Gives those whose files are left, as on another machine.
local function remove_overlays(guest, disks)
  local left = {}
  for _, disk in ipairs(disks) do
    if not chain.remove_file(guest, disk.overlay) then
      left[#left + 1] = disk.overlay
    end
  end
  return left
end

-- Every disk back on its image, with all that the guest wrote. Can be called again.
local function merge_back(guest, disks, options)
  for _, disk in ipairs(disks) do
    chain.settle(guest, disk.target, disk.base, options)
  end
  return remove_overlays(guest, disks)
end

-- The guest as it was when the snapshot was taken: what it wrote since is thrown away, and it starts anew. Can be called again.
local function roll_back(guest, disks)
  if guest:is_active() then
    guest:poweroff()
  end
  local by_target = {}
  for _, disk in ipairs(disks) do
    by_target[disk.target] = disk
  end
  local config = core.element(guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true }))
  for _, element in ipairs(config.devices:children("disk")) do
    local disk = by_target[element.target.dev]
    if disk then
      element:remove()
      config.devices:append(core.element(disk.configuration))
    end
  end
  guest.host:write_instance_config(config):close()
  guest:launch()
  return remove_overlays(guest, disks)
end

local function overlays_of(disks)
  local overlays = {}
  for i, disk in ipairs(disks) do
    overlays[i] = disk.overlay
  end
  return table.concat(overlays, ", ")
end

journal.recoverers[NAME] = function(_, guest, entry)
  if not guest then
    return "the guest is gone; what it wrote last is in " .. overlays_of(entry.disks)
  elseif entry.rolling_back then
    roll_back(guest, entry.disks)
    return "rolled back"
  elseif guest:is_active() then
    local thawed, e = true, nil
    if entry.quiesce and entry.step == "snapshot" then
      thawed, e = pcall(frame.thaw, guest)
    end
    merge_back(guest, entry.disks, { timeout = COMMIT_FOR })
    if not thawed then
      error(e, 0)
    end
    return "merged back"
  end
  for _, disk in ipairs(entry.disks) do
    if chain.has(chain.disk(guest, disk.target, { inactive = true }).images, disk.overlay) then
      frame.fail("operation_invalid", guest, {
        device = disk.target,
        device_type = "disk",
        message = ("the guest is off, and starts with the overlay %s; nothing is lost"):format(disk.overlay),
        hint = "start it, and recover again",
      })
    end
  end
  remove_overlays(guest, entry.disks)
  return "nothing was left"
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
      local disks, xml = run:step("look", function()
        local disks = plan(guest, options.disks)
        if options.quiesce then
          frame.check_agent(guest)
        end
        if options.on_failure == "rollback" and not disks[1].configuration then
          frame.fail("operation_invalid", guest, { message = "a guest without a persistent configuration cannot be rolled back: it would be gone" })
        end
        return disks, snapshot_xml(guest, disks)
      end)
      local roll = false
      run:record({ step = "snapshot", disks = disks, quiesce = options.quiesce or false })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the guest's disks may still have overlays; the journal knows: guestlua.recover(host)")
        local thawed, e = true, nil
        if options.quiesce and run.at == "snapshot" then
          thawed, e = pcall(frame.insist, guest, function()
            frame.thaw(guest)
          end)
        end
        if roll then
          run.entry:write({ rolling_back = true })
        end
        frame.insist(guest, function()
          if roll then
            return roll_back(guest, disks)
          end
          return merge_back(guest, disks, { timeout = options.timeout and math.max(options.timeout, 60) or COMMIT_FOR })
        end)
        if not thawed then
          error(e, 0)
        end
        run:left(roll and "rolled back: the guest was started again as it was at the snapshot" or "undone: the disks have the images they had, "
          .. "with all that the guest wrote")
        run:forget()
      end)

      run:change("snapshot", guest.snapshot, guest, xml, { disk_only = true, no_metadata = true, atomic = true, quiesce = options.quiesce or false })
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
      local after = {}
      for _, disk in ipairs(disks) do
        after[#after + 1] = { target = disk.target, images = chain.images(guest, disk.target) }
      end
      guard:keep()
      return { disks = after, during = result, overlays_left = #left > 0 and left or nil }
    end)
  end,
})
