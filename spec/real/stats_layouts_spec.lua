-- host:stats of guests that differ: the names of one guest's values, once taken apart, serve those that have the same, and no others.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local SHAPES = 40 -- more than are kept

describe("Statistics of many guests", function()
  local machine = helper.machine()
  helper.leaves_nothing()

  -- One that is off, with so many disks.
  local function domain(name, disks)
    local devices = {}
    for i = 0, disks - 1 do
      devices[i + 1] = ("<disk type='file' device='cdrom'><target dev='sd%s%s' bus='sata'/></disk>"):format(
        i >= 26 and "a" or "", string.char(97 + i % 26))
    end
    return ("<domain type='qemu'><name>%s</name><memory unit='MiB'>32</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"
      .. "<devices>%s</devices></domain>"):format(name, table.concat(devices))
  end

  -- What libvirt calls a nested value.
  local function flat(stats, prefix, into)
    for key, value in pairs(stats) do
      if type(value) == "table" then
        flat(value, prefix .. key .. ".", into)
      else
        into[prefix .. key] = value
      end
    end
    return into
  end

  it("are libvirt's, whatever each of them has", function()
    local host = machine.guest.host
    local made <close> = setmetatable({}, { __close = function(list)
      for _, guest in ipairs(list) do
        guest:delete_configuration()
        guest:close()
      end
    end })
    for i = 1, 2 * SHAPES do -- each shape twice, and not one after the other
      made[i] = host:write_instance_config(domain("shape" .. i, (i - 1) % SHAPES))
    end
    local shapes = {}
    for _ = 1, 3 do
      local all = host:stats()
      local rows = host:get_all_domain_stats()
      assert.equal(2 * SHAPES + 1, #rows)
      for _, row in ipairs(rows) do
        local expected, found, names = row.stats, flat(all[row.guest.name], "", {}), {}
        for name, value in pairs(expected) do
          names[#names + 1] = name
          if row.guest:is_active() or name:find("^cpu%.") then -- what goes on
            assert.equal(math.type(value) or type(value), math.type(found[name]) or type(found[name]), name)
            found[name] = value
          end
        end
        assert.same(expected, found)
        table.sort(names)
        shapes[table.concat(names, " ")] = true
        row.guest:close()
      end
    end
    local count = 0
    for _ in pairs(shapes) do
      count = count + 1
    end
    assert.is_true(count >= SHAPES, count)
  end)

  it("are those of an answer that is freed while the script goes on, and is closed", function()
    local host <close> = guestlua.open("test:///default")
    local made = {}
    for i = 1, 200 do
      made[i] = host:write_instance_config(("<domain type='test'><name>g%d</name><memory>1024</memory><os><type>hvm</type></os></domain>"):format(i))
    end
    for _ = 1, 20 do
      assert.equal(5, host:stats().g200.state.state)
    end
    local another <close> = guestlua.open("test:///default")
    another:stats()
    another:close()
    for _, guest in ipairs(made) do
      guest:delete_configuration()
    end
  end)
end)
