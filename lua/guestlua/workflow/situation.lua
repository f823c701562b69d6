-- The state of a guest at this moment. A run compares it with the state it left: a change that it did not make is somebody else's.

local core = require("guestlua.core")

local situation = {}

-- The name of an image, from its element with a <source>.
function situation.image_of(layer)
  local source = layer.source
  return source and (source.file or source.dev or source.name or source.volume)
end

-- The names of a disk's images, topmost first.
function situation.images_of(disk)
  local images, layer = {}, disk
  while layer do
    images[#images + 1] = situation.image_of(layer)
    layer = layer.backingStore
  end
  return images
end

function situation.targets(disks)
  local targets = {}
  for i, disk in ipairs(disks) do
    targets[i] = disk.target
  end
  return targets
end

function situation.text(images)
  return table.concat(images, " <- ")
end

-- Whether a disk has these images, and at most some of others on top of them: a merge below the topmost one allows a snapshot meanwhile.
function situation.has_below(images, wanted)
  local above = #images - #wanted
  return above >= 0 and situation.text(table.move(images, above + 1, #images, 1, {})) == situation.text(wanted)
end

-- The destination of a disk's copy job, or nil.
function situation.mirror_of(element)
  local mirror = element.mirror
  return mirror and (situation.image_of(mirror) or mirror.file) or nil
end

-- How often the guest's snapshots are asked for: one may go between their list and its description.
local ASKED = 3

-- What distinguishes a snapshot from another of its name: its description without what changes with others. Two may be of one second.
function situation.identity(xml)
  local element = core.element(xml)
  for _, child in ipairs(element:children()) do
    local tag = child:tag()
    if tag == "parent" or tag == "domain" or tag == "inactiveDomain" or tag == "cookie" then
      child:remove()
    end
  end
  return (tostring(element):gsub(">%s+<", "><"))
end

-- What distinguishes each of the guest's snapshots from others, by its name.
function situation.snapshots(guest)
  local found = {}
  if #guest:get_snapshot_names() == 0 then
    return found
  end
  local ok, texts
  for _ = 1, ASKED do
    ok, texts = pcall(guest.get_snapshot_descriptions, guest)
    if ok or not core.Error.is(texts, "no_domain_snapshot") then
      break
    end
  end
  if not ok then
    error(texts, 0)
  end
  for _, text in ipairs(texts) do
    local element = core.element(text)
    if element:tag() == "domainsnapshot" then
      found[element.name[1]] = situation.identity(text)
    end
  end
  return found
end

-- One look: name, id, persistent and, of the disks with these targets, images, mirror (its job's destination) and capacity; and if there are any,
-- snapshots (what distinguishes them): somebody else's matter to the disks. domain: the guest's description.
function situation.look(guest, targets, domain)
  local now = {
    name = domain.name[1],
    id = tonumber(domain.id),
    persistent = guest:has_persistent_configuration(),
    snapshots = #targets > 0 and situation.snapshots(guest) or {},
    disks = {},
  }
  local wanted = {}
  for _, target in ipairs(targets) do
    wanted[target] = true
  end
  for _, element in ipairs(domain.devices and domain.devices:children("disk") or {}) do
    local target = element.target and element.target.dev
    if wanted[target] then
      now.disks[target] = { images = situation.images_of(element), mirror = situation.mirror_of(element) }
    end
  end
  return now
end

local function missing(list, others)
  local has = {}
  for _, one in ipairs(others) do
    has[one] = true
  end
  for _, one in ipairs(list) do
    if not has[one] then
      return one
    end
  end
end

local function compare_disk(found, target, was, now)
  if not now then
    found[#found + 1] = ("disk %s is not there any more"):format(target)
  elseif situation.text(now.images) ~= situation.text(was.images)
    and not (was.becoming and situation.text(now.images) == situation.text(was.becoming)) then
    found[#found + 1] = ("disk %s has the images %s, and was left with %s"):format(target, situation.text(now.images), situation.text(was.images))
  elseif now.mirror ~= was.mirror then
    found[#found + 1] = was.mirror and ("the job of disk %s to %s is gone"):format(target, was.mirror)
      or ("disk %s has a job to %s"):format(target, now.mirror)
  elseif now.job and not was.job then
    found[#found + 1] = ("disk %s has a job"):format(target)
  elseif was.capacity and now.capacity and now.capacity ~= was.capacity then
    found[#found + 1] = ("disk %s has %d bytes, and had %d"):format(target, now.capacity, was.capacity)
  end
end

-- The differences in the guest itself, without its disks.
local function compare_guest(found, was, now)
  if now.name ~= was.name then
    found[#found + 1] = ("it is called '%s', and was '%s'"):format(now.name, was.name)
  end
  if now.id ~= was.id then
    found[#found + 1] = not now.id and "it does not run any more" or was.id and "it was restarted" or "it was started"
  end
  if now.persistent ~= was.persistent then
    found[#found + 1] = now.persistent and "it was defined" or "it was undefined"
  end
end

local function compare_snapshots(found, was, now)
  for name, identity in pairs(now) do
    if was[name] ~= identity then
      found[#found + 1] = (was[name] and "its snapshot '%s' is another one by now" or "it has a snapshot '%s'"):format(name)
    end
  end
  for name in pairs(was) do
    found[#found + 1] = not now[name] and ("its snapshot '%s' is gone"):format(name) or nil
  end
end

-- The differences, as a list of texts; empty if there are none.
function situation.differences(was, now)
  local found = {}
  compare_guest(found, was, now)
  compare_snapshots(found, was.snapshots, now.snapshots)
  for target, disk in pairs(was.disks) do
    compare_disk(found, target, disk, now.disks[target])
  end
  table.sort(found)
  return found
end

-- The differences that no call of the run can have made, including calls without an answer. own: the images that the run makes.
function situation.of_others(was, now, own)
  local found = {}
  compare_guest(found, was, now)
  for target, disk in pairs(was.disks) do
    local there = now.disks[target]
    local known = table.move(disk.images, 1, #disk.images, 1, table.move(disk.becoming or {}, 1, #(disk.becoming or {}), #disk.images + 1, {}))
    table.move(own, 1, #own, #known + 1, known)
    local new, mirror = there and missing(there.images, known), there and missing({ there.mirror }, known)
    if not there then
      found[#found + 1] = ("disk %s is not there any more"):format(target)
    elseif new then
      found[#found + 1] = ("disk %s has the image %s, which is not the run's"):format(target, new)
    elseif mirror then
      found[#found + 1] = ("disk %s has a job to %s, which is not the run's"):format(target, mirror)
    end
  end
  table.sort(found)
  return found
end

return situation
