-- A disk is made smaller only on demand: the data behind the new end is lost.

local core = require("guestlua.core")
local define = require("guestlua.base.define")

local resize = core.BlockDevice.resize

local params = {}
for _, param in ipairs(core.documentation("BlockDevice", "resize").params) do -- those that this libvirt has
  params[#params + 1] = param.name ~= "timeout" and param or nil
end
params[#params + 1] = { name = "shrink", type = "boolean", help = "allow a smaller size, which loses the data behind the new end; default: false, "
  .. "and a smaller size is refused (not in the reference)" }

-- nil: not known. QEMU refuses to resize a disk with a job and says so itself; such a disk must not be asked for its size (CONTRIBUTING.md). A driver
-- that does not know the size of a disk resizes none.
local function capacity_of(disk)
  local ok, result = pcall(function()
    return not disk:get_job_info() and disk:get_block_info().capacity or nil
  end)
  if not ok and result.kind == "operation_invalid" then -- it is off: the resize itself says so
    return nil
  elseif not ok and result.kind ~= "no_support" then
    error(result, 0)
  end
  return ok and result or nil
end

local function check_not_smaller(disk, size)
  local capacity = capacity_of(disk)
  if capacity and size < capacity then
    define.bad("resize", "size", ("disk '%s' has %d bytes, and %d are fewer: the data after them would be lost; shrink=true does it all the same")
      :format(core.escape(disk.name), capacity, size))
  end
end

define(core.BlockDevice, "BlockDevice", {
  name = "resize",
  method = true,
  call = "virDomainBlockResize",
  help = "Changes the size of the disk while the guest runs. Partitions and file systems on it are to be grown in the guest "
    .. "afterwards, or shrunk before. The size is compared with virDomainGetBlockInfo's.",
  params = params,
  blocks = true,
  run = function(disk, size, options)
    if size < 0 then
      define.bad("resize", "size", "cannot be negative")
    elseif not options.shrink and not options.capacity then
      check_not_smaller(disk, size)
    end
    return resize(disk, size, { capacity = options.capacity })
  end,
})
