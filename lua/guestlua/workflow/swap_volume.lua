-- A running guest's disk moves to another volume: it is copied while the guest writes on, and then the guest goes on with the copy, now and later.

local core = require("guestlua.core")
local define = require("guestlua.define")
local frame = require("guestlua.workflow.frame")
local chain = require("guestlua.workflow.chain")
local journal = require("guestlua.journal")
local undo = require("guestlua.undo")
local workflow = require("guestlua.workflow")

local NAME = "swap_volume"

-- Where the guest is on the new volume its configuration says so: libvirt sees to that, unless it is old. Can be called again.
local function follow(guest, target)
  if not guest:has_persistent_configuration() then
    return
  end
  local live = chain.disk(guest, target)
  local config = core.element(guest:get_xml_desc({ dump_inactive = true, dump_sensitive = true }))
  for _, element in ipairs(config.devices:children("disk")) do
    if element.target.dev == target and chain.image_of(element) ~= live.images[1] then
      element.type, element.source, element.driver = live.type, live.element.source, live.element.driver
      element.source.index = nil -- of the running guest
      if element.backingStore then
        element.backingStore:remove()
      end
      guest.host:write_instance_config(config):close()
    end
  end
end

-- The copy is ended where it was not over, and where it was the configuration follows. Can be called again. Whether the guest has moved, and whether
-- the file is gone otherwise.
local function settle(guest, what)
  if guest:is_active() then
    chain.end_copy(guest, what.target, what.image)
    if chain.images(guest, what.target)[1] == what.image then
      follow(guest, what.target)
      return true
    end
  elseif chain.disk(guest, what.target, { inactive = true }).images[1] == what.image then
    return true
  end
  return false, what.made and chain.remove_file(guest, what.image)
end

local function outcome(what, moved, gone)
  if moved then
    return "the guest has moved to " .. what.image
  elseif gone or not what.made then
    return "undone: the guest has the volume that it had"
  end
  return "undone: the guest has the volume that it had; what there is of the copy is left in " .. what.image
end

journal.recoverers[NAME] = function(host, guest, entry)
  if not guest and entry.configuration then
    host:write_instance_config(entry.configuration):close()
    return "the guest is off and was defined again"
  elseif not guest then
    return "the guest is gone"
  elseif entry.configuration then
    chain.define(guest, entry.configuration)
  end
  return outcome(entry.what, settle(guest, entry.what))
end

define(workflow, "workflow", {
  name = NAME,
  help = "Moves a disk of the running guest to another volume: copies it there, lets the guest go on with the copy, and makes its configuration say "
    .. "so. Where a step before the move fails, the copy is taken back and the guest has the disk that it had; the error's outcome tells.",
  returns = "a table: workflow, guest, steps, seconds, disk, images (the disk's chain now), was (the one before: nothing uses its topmost image any "
    .. "more)",
  params = {
    { name = "guest", type = "userdata", positional = true, required = true, help = "the Guest; it must run" },
    { name = "disk", type = "string", positional = true, required = true, help = "the disk's target, as in \"vda\"" },
    { name = "conf", type = "any", positional = true, required = true, help = "the new volume: a <disk> element, or its XML text" },
    { name = "resize_to", type = "integer", help = "bytes that the disk is to have afterwards; nil: as many as it has" },
    { name = "reuse_ext", type = "boolean", help = "the volume is there already, as one of a pool is; where nothing is said a file is made" },
    { name = "shallow", type = "boolean", help = "copy the topmost image only: the new one needs those below it" },
    { name = "timeout", type = "number", help = "seconds that the copy may take until it is ready" },
    { name = "bandwidth", type = "integer", help = "MiB/s that the copy may use" },
    { name = "on_progress", type = "function", help = "called with the copy's get_job_info() every half second" },
  },
  run = function(guest, target, conf, options)
    core.check_self(guest, "Guest", NAME)
    local destination = type(conf) == "string" and core.element(conf) or conf
    core.check_self(destination, "Element", NAME)
    local image = chain.image_of(destination)
    if not image then
      define.bad(NAME, "conf", "it has no <source> that names the volume")
    end
    return frame.run(NAME, guest, function(run)
      local what = { target = target, image = image, made = destination.type == "file" and not options.reuse_ext }
      local was
      run:step("look", function()
        was = chain.images(guest, target)
        chain.check_idle(guest, target)
        if chain.has(was, image) then
          frame.fail("operation_invalid", guest, { device = target, device_type = "disk", message = ("the disk has %s already"):format(image) })
        elseif what.made then
          chain.check_new(guest, target, image)
        end
      end)
      run:record({ step = "copy", what = what })
      local guard <close> = undo.guard(function(failure)
        if not failure then
          return
        end
        run:left("the copy may go on; the journal knows: guestlua.recover(host)")
        run:left(outcome(what, frame.insist(guest, function()
          return settle(guest, what)
        end)))
        run:forget()
      end)

      local disk = guest:get_block_device(target)
      local function moved()
        return chain.images(guest, target)[1] == image
      end
      run:change("copy", chain.copy, run, disk, destination, options)
      run:step("ready", chain.await, disk, "ready", options)
      run:record({ step = "pivot" })
      run:change("pivot", disk.abort_job, disk, { pivot = true })
      run:step("pivoted", chain.await, disk, "completed", { timeout = options.timeout }, moved)
      if options.resize_to then
        run:change("resize", disk.resize, disk, options.resize_to)
      end
      run:change("configuration", follow, guest, target)
      local images = run:step("verify", function()
        local images, persistent = chain.images(guest, target), guest:has_persistent_configuration()
        if images[1] ~= image or persistent and chain.disk(guest, target, { inactive = true }).images[1] ~= image then
          frame.fail("operation_failed", guest, {
            device = target,
            device_type = "disk",
            message = ("the disk's images are %s, and not %s"):format(chain.text(images), image),
          })
        end
        return images
      end)
      guard:keep()
      return { disk = target, images = images, was = was }
    end)
  end,
})
