-- get_disk reads the configuration no further than to the disk: the answer is that of get_all_disks, wherever the disk stands.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local UUID, NAMESPACE = "6c1f7f0e-6f0b-4f0a-9d0e-0d1c5a0b7e11", "urn:guestlua:spec"

local function target(i)
  return "vd" .. (i > 26 and string.char(96 + (i - 1) // 26) or "") .. string.char(97 + (i - 1) % 26)
end

-- Names that are written otherwise in XML, or in several bytes.
local function file(i)
  return ("/images/%d & <d\u{e9}j\u{e0}>'\"\u{1f600}"):format(i)
end

local function escaped(text)
  return (text:gsub("[&<>'\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["'"] = "&apos;", ['"'] = "&quot;" }))
end

describe("get_disk", function()
  helper.leaves_nothing()

  -- A guest with so many disks, after a text of that length. first: the source of the first disk.
  local function guest_of(host, count, length, first)
    local disks = {}
    for i = 1, count do
      disks[i] = ("<disk type='file'><source file='%s'/><target dev='%s' bus='virtio'/></disk>"):format(
        escaped(i == 1 and first or file(i)), target(i))
    end
    return host:write_instance_config(([[
      <domain type='test'><name>disks</name><uuid>%s</uuid><description>%s</description>
        <metadata><x:a xmlns:x='%s' x:b='1'><disk><target dev='vda'/></disk></x:a></metadata>
        <memory>1024</memory><os><type>hvm</type></os><devices>%s</devices></domain>]]):format(
      UUID, ("x"):rep(length), NAMESPACE, table.concat(disks)))
  end

  it("gives what get_all_disks has, by its target or its file, wherever the text is cut", function()
    local host <close> = guestlua.open("test:///default")
    for length = 1, 180, 9 do
      local guest <close> = guest_of(host, 60, length)
      local all = guest:get_all_disks()
      assert.equal(60, #all)
      for i = 1 + length % 5, 60, 5 do
        assert.equal(tostring(all[i]), tostring(guest:get_disk(target(i))))
        assert.equal(file(i), guest:get_disk(target(i)).source.file)
      end
      assert.equal(tostring(all[60]), tostring(guest:get_disk(file(60))))
      assert.is_nil(guest:get_disk("vdzz"))
    end
  end)

  it("goes by the target of a late disk before the file of an early one", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = guest_of(host, 100, 1, target(90))
    assert.equal(file(90), guest:get_disk(target(90)).source.file)
    assert.equal(target(1), guest:get_disk(target(1)).target.dev)
  end)

  it("gives an element that can be changed and put into others", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = guest_of(host, 100, 1)
    local disk = guest:get_disk(target(2))
    disk.target.dev = "vdzz"
    disk:append(guestlua.element("<x:c xmlns:x='" .. NAMESPACE .. "'/>"))
    local outer = guestlua.element("devices", {})
    outer:append(disk)
    assert.matches("<target dev=\"vdzz\"", tostring(outer))
    assert.equal(file(2), outer.disk.source.file)
    assert.is_truthy(guest:get_disk(target(2)))
  end)
end)
