-- QEMU writes no compressed image that ends within a cluster: a backup with `compress` of a disk that is no multiple of 64 KiB failed each time, and
-- so did a merge of such, with "Image size is not a multiple of request alignment".

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local sh = helper.sh
local workflow = guestlua.workflow

local SIZES = { vdb = (1 << 20) + 512, vdc = 512 }

describe("A compressed backup", function()
  local machine = helper.machine({ edit = function(domain)
    for target, size in pairs(SIZES) do
      tiny.add_disk(domain, target, "qcow2", size)
    end
  end })
  helper.leaves_nothing()

  it("is made and merged whatever the disks' sizes are", function()
    if not core.nbd_copy then
      pending("this was built without libnbd")
      return
    end
    local to = machine.dir .. "/to"
    local function compared(result)
      for target, size in pairs(SIZES) do
        local image = ("%s/%s.%s.qcow2"):format(result.directory, result.id, target)
        sh("qemu-img compare -U %s/%s.qcow2 %s", machine.dir, target, image)
        assert.equal(tostring(size), sh("qemu-img info %s | sed -n 's/^virtual size.*(\\([0-9]*\\) bytes)/\\1/p'", image):match("%d+"))
      end
    end
    local function write(sector) -- the last one too
      local lines = {}
      for target, size in pairs(SIZES) do
        for _, at in ipairs({ size // 512 - 1, math.min(sector, size // 512 - 1) }) do
          lines[#lines + 1] = ("dd if=/dev/urandom of=/dev/%s bs=512 seek=%d count=1 conv=notrunc,fsync 2>/dev/null"):format(target, at)
        end
      end
      machine:sh(table.concat(lines, "\n"))
    end
    local result
    for i = 1, 3 do
      write(i * 40)
      result = workflow.backup(machine.guest, { to = to, exclude = { "vda" }, compress = i == 2 and "zlib" or "zstd", verify = true })
      assert.equal(i == 1 and "full" or "incremental", result.level_used)
      compared(result)
    end
    local done = workflow.prune(machine.host, result.directory, { keep = { daily = 1 }, compress = "zstd" })
    assert.is_nil(done.left)
    assert.same({ result.id }, done.merged)
    compared(result)
    workflow.verify(result.directory)
  end)
end)
