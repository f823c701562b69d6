-- The checkpoints that backups leave on a guest: one per directory, from which the next increment knows the changes. Others are not touched.

local core = require("guestlua.core")
local retry = require("guestlua.workflow.retry")

local checkpoint = {}

-- The name of a run's checkpoint: from the directory's word and the run.
function checkpoint.name(target, id)
  return ("guestlua-%s-%s"):format(target, id)
end

-- The guest's checkpoints of the directory with that word.
function checkpoint.list(guest, target)
  local names, prefix = {}, ("guestlua-%s-"):format(target)
  for _, name in ipairs(guest:get_checkpoint_names()) do
    if name:sub(1, #prefix) == prefix then
      names[#names + 1] = name
    end
  end
  return names
end

local function has(guest, name)
  for _, one in ipairs(guest:get_checkpoint_names()) do
    if one == name then
      return true
    end
  end
  return false
end

-- Deletes a checkpoint if it exists. If the images lack its bitmaps, libvirt can only forget it.
function checkpoint.delete(guest, name)
  if not has(guest, name) then
    return
  end
  local ok, e = retry.try(guest.delete_checkpoint, guest, name)
  if not ok and has(guest, name) then
    ok = retry.try(guest.delete_checkpoint, guest, name, { metadata_only = true })
    if not ok and has(guest, name) then
      error(e, 0)
    end
  end
end

-- The last backup with a checkpoint that libvirt has forgotten, as it does in a migration and an undefine; nil: there is none.
function checkpoint.forgotten(guest, manifests)
  for i = #manifests, 1, -1 do
    if manifests[i].checkpoint then
      return not has(guest, manifests[i].checkpoint) and manifests[i] or nil
    end
  end
end

-- Removes the bitmaps of such a backup, which QEMU would keep up for ever: libvirt does so if it knows the checkpoint again. Not every disk has one.
-- manifest: nil if there is none.
function checkpoint.clear(guest, manifest)
  if not manifest then
    return
  end
  local name, domain = manifest.checkpoint, core.element(guest:get_xml_desc({ dump_inactive = true }))
  for _, disk in ipairs(manifest.disks) do
    local element = core.element("domaincheckpoint", { name = { name }, creationTime = { os.time() },
      disks = { disk = { name = disk.target, checkpoint = "bitmap", bitmap = name } } })
    element:append(domain)
    if retry.try(guest.create_checkpoint, guest, element, { redefine = true, redefine_validate = true }) then
      checkpoint.delete(guest, name)
    end
  end
end

-- The running guest's disks with a usable bitmap for the checkpoint: a set of targets.
function checkpoint.disks(guest, name)
  local disks = {}
  local element = core.element(guest:get_checkpoint_xml(name, { size = true, no_domain = true }))
  for _, disk in ipairs(element.disks and element.disks:children("disk") or {}) do
    if disk.checkpoint == "bitmap" and disk.size then -- without a size: the bitmap is missing or inconsistent
      disks[disk.name] = true
    end
  end
  return disks
end

return checkpoint
