-- A copy of a running guest's disk in a file of its own, as the disk was at one moment. The guest goes on with the disk that it has.

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local chain = require("guestlua.workflow.chain")
local journal = require("guestlua.journal")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

local NAME = "live_snapshot"

-- How long the file systems may take to freeze where the caller said nothing, in seconds.
local FREEZE = 60

-- Nothing is copied any more, and half a copy is gone. Can be called again. Whether the file is gone.
local function take_back(guest, target, path)
  if guest:is_active() then
    chain.end_copy(guest, target, path)
  end
  return chain.remove_file(guest, path)
end

journal.recoverers[NAME] = function(host, guest, entry)
  if not guest and entry.configuration then
    host:write_instance_config(entry.configuration):close()
    return "the guest is off and was defined again"
  elseif not guest then
    return "the guest is gone"
  end
  if entry.configuration then
    chain.define(guest, entry.configuration)
  end
  local thawed, e = true, nil
  if entry.step == "finish" and entry.quiesce then
    thawed, e = pcall(frame.thaw, guest)
  end
  local gone = entry.step == "verify" or take_back(guest, entry.target, entry.path)
  if not thawed then
    error(e, 0)
  elseif entry.step == "verify" then
    return "finished: the copy is " .. entry.path
  end
  return gone and "the copy was taken back" or "the copy was ended; what there is of it is left in " .. entry.path
end

define(workflow, "workflow", {
  name = NAME,
  help = "Copies a disk of the running guest to a new file, with all that is below it in its chain, so that the file needs no other. The copy is the "
    .. "disk as it was at one moment, at the end; with quiesce its file systems were frozen then. The guest keeps its disk and its configuration. "
    .. "Where a step fails there is no file.",
  returns = "a table: workflow, guest, steps, seconds, path, disk, images (the disk's chain, which is what it was) and frozen_seconds, with quiesce",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
    { name = "disk", type = "string", positional = true, required = true, help = "the disk's target, as in \"vda\"" },
    { name = "out_path", type = "string", positional = true, required = true, help = "the file, on the guest's host; it must not be there yet" },
    { name = "quiesce", type = "boolean", help = "freeze the guest's file systems for the moment of the copy's end; needs the guest agent" },
    { name = "freeze_timeout", type = "number", help = "seconds that the freeze may take; 60 where nothing is said" },
    { name = "format", type = "string", help = "the file's format, as in \"raw\"; where nothing is said, as the disk's image" },
    { name = "shallow", type = "boolean", help = "copy the topmost image only: the file then needs the images below it" },
    { name = "timeout", type = "number", help = "seconds that the copy may take until it is ready" },
    { name = "bandwidth", type = "integer", help = "MiB/s that the copy may use" },
    { name = "on_progress", type = "function", help = "called with the copy's get_job_info() every half second" },
  },
  run = function(guest, target, path, options)
    core.check_self(guest, "Guest", NAME)
    return frame.run(NAME, guest, function(run)
      local destination, before
      run:step("look", function()
        local disk = chain.disk(guest, target)
        chain.check_idle(guest, target)
        chain.check_new(guest, target, path)
        if options.quiesce then
          frame.check_agent(guest)
        end
        before = chain.text(disk.images)
        destination = core.element("disk", {
          type = "file",
          source = { file = path },
          driver = { type = options.format or disk.element.driver and disk.element.driver.type },
        })
      end)
      run:record({ step = "copy", target = target, path = path, quiesce = options.quiesce or false })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the copy may go on; the journal knows: guestlua.recover(host)")
        local gone = frame.insist(guest, function()
          return take_back(guest, target, path)
        end)
        run:left(gone and "undone: there is no copy" or "undone; what there is of the copy is left in " .. path)
        run:forget()
      end)

      local disk = guest:get_block_device(target)
      run:change("copy", chain.copy, run, disk, destination, options)
      run:step("ready", chain.await, disk, "ready", options)
      run:record({ step = "finish" })
      local frozen_for = run:step("finish", function()
        local thaw <close> = options.quiesce and undo.guard(function() -- luacheck: ignore thaw
          frame.insist(guest, function()
            frame.thaw(guest)
          end)
        end) or nil
        if options.quiesce then
          guest:frozen({ timeout = options.freeze_timeout or FREEZE }):keep() -- thawed above, over a new connection where that is needed
        end
        local began = core.now()
        core.shield(disk.abort_job, disk)
        return core.now() - began
      end)
      run:record({ step = "verify" })
      local images = run:step("verify", function()
        local images = chain.images(guest, target)
        if disk:get_job_info() or chain.text(images) ~= before then
          frame.fail("operation_failed", guest, {
            device = target,
            device_type = "disk",
            message = ("the disk's images are %s, and were %s"):format(chain.text(images), before),
          })
        end
        return images
      end)
      guard:keep()
      return { disk = target, path = path, images = images, frozen_seconds = options.quiesce and frozen_for or nil }
    end)
  end,
})
