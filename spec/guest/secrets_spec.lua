-- A configuration that is read without secrets and written back does not lose them.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local DOMAIN = [[<domain type='test'><name>secretive</name><memory>1024</memory><os><type>hvm</type></os><devices>
  <graphics type='vnc' port='-1' passwd='s3cr3t'/></devices></domain>]]
local WHOLE = { dump_inactive = true, dump_sensitive = true }

describe("A configuration with secrets", function()
  local host, guest
  helper.leaves_nothing(function()
    host = guestlua.open("test:///default")
    guest = guestlua.Guest.create(DOMAIN, host)
  end, function()
    guest:delete_configuration()
    host:close()
  end)

  local function keeps()
    return guest:get_xml_desc(WHOLE):find("passwd='s3cr3t'", 1, true) ~= nil
  end

  it("that libvirt refuses is an error that names the guest", function()
    local domain = core.element(guest:get_xml_desc(WHOLE))
    domain.vcpu, domain.uuid = "many", nil
    local e = helper.failure(host.write_instance_config, host, domain)
    assert.same({ "secretive", "virDomainDefineXML" }, { e.guest, e.call })
    domain.vcpu, domain.os.frobnicate = "1", {}
    e = helper.failure(host.write_instance_config, host, domain, { validate = true })
    assert.same({ "xml_invalid_schema", "secretive" }, { e.kind, e.guest })
    assert.matches("element:validate() names the line", e.hint, 1, true)
  end)

  it("is not written back without them, and the error says how it is read", function()
    local e = helper.failure(host.write_instance_config, host, guest:get_xml_desc())
    assert.same({ "bad_argument", "write_instance_config", "xml" }, { e.kind, e.op, e.argument })
    assert.matches("graphics 'vnc'", e.message, 1, true)
    assert.matches("get_xml_desc{dump_inactive=true, dump_sensitive=true}", e.message, 1, true)
    assert.is_nil(tostring(e):find("s3cr3t", 1, true))
    assert.matches("or give the option drop_secrets)", core.mask(tostring(e)), 1, true) -- a value would look like a secret
    e = helper.failure(guestlua.Guest.create, guestlua.element(guest:get_xml_desc()), host)
    assert.equal("xml", e.argument)
    assert.is_true(keeps())
  end)

  it("is written back with them, with others, and without the device that had them", function()
    host:write_instance_config(guest:get_xml_desc(WHOLE))
    assert.is_true(keeps())
    host:write_instance_config((guest:get_xml_desc(WHOLE):gsub("s3cr3t", "another")))
    assert.matches("passwd='another'", guest:get_xml_desc(WHOLE), 1, true)
    local domain = guestlua.element(guest:get_xml_desc())
    domain.devices.graphics:remove()
    host:write_instance_config(domain)
    assert.is_nil(guest:get_xml_desc(WHOLE):find("vnc", 1, true))
  end)

  it("loses them if that is what is asked for", function()
    host:write_instance_config(guest:get_xml_desc(), { drop_secrets = true })
    assert.is_false(keeps())
    host:write_instance_config(guest:get_xml_desc()) -- there is none to lose
  end)
end)

describe("The module's words", function()
  it("lead to their numbers, and the numbers to the words", function()
    for _, name in ipairs({ "power_state", "job_type", "block_job_type" }) do
      local map, count = guestlua[name], 0
      for key, value in pairs(map) do
        assert.equal(key, map[value], name)
        count = count + 1
      end
      assert.is_true(count >= 10, name)
    end
    assert.same({ 1, "RUNNING" }, { guestlua.power_state.RUNNING, guestlua.power_state[1] })
    assert.same({ 1, "bounded" }, { guestlua.job_type.bounded, guestlua.job_type[1] })
    assert.matches("is active_commit meant", helper.failure(function() return guestlua.block_job_type["activ_commit"] end).message)
  end)
end)
