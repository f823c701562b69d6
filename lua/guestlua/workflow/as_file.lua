-- Whether the files of a disk alone have what the guest reads. libvirt's configuration may say otherwise: a part of the file, other images below.

local chain = require("guestlua.workflow.chain")
local dependents = require("guestlua.disk.dependents")

local as_file = {}

local LOCAL = { file = true, block = true }

-- The images below the disk's own as the configuration has them, and whether it says that they are all. nil: one is no file, and is not looked at.
local function configured(disk)
  local images, layer = {}, disk.element.backingStore
  while layer and layer.source do
    if not LOCAL[layer.type or "file"] then
      return nil
    end
    images[#images + 1] = chain.image_of(layer)
    layer = layer.backingStore
  end
  return images, layer ~= nil
end

-- The images below a disk's own that the guest has and that its header does not name; nil: it names the same.
local function other_images(disk)
  local images, all = configured(disk)
  if not images or #images == 0 and not all then
    return nil
  end
  local driver = disk.element.driver
  local named = driver and driver.type and driver.type ~= "raw" and dependents.chain(disk.images[1]) or disk.images
  local same = not all or #named == #images + 1
  for i, path in ipairs(images) do
    same = same and named[i + 1] ~= nil and dependents.same(path, named[i + 1])
  end
  return not same and images or nil
end

-- Refuses a disk that would be read as a file, and has other contents for the guest.
function as_file.check(guest, disk, hint)
  local part = disk.element.source and disk.element.source.slices
  local images = not part and other_images(disk)
  if part then
    chain.fail("argument_unsupported", guest, disk.target, { hint = hint,
      message = ("the disk is a part of %s only (<slices>), and the whole file would be read"):format(disk.images[1]) })
  elseif images then
    chain.fail("argument_unsupported", guest, disk.target, { hint = hint,
      message = ("below %s the configuration has %s, and the image itself does not name that"):format(disk.images[1],
        #images > 0 and chain.text(images) or "nothing") })
  end
end

return as_file
