-- A planted secret is in no output, in no error object and in no traceback.

local guestlua = require("guestlua")
local core = require("guestlua.core")
local helper = require("spec.support.helper")

local PLANTED = "pl4nted-S3cret"

-- What each script begins with. try(fn) prints all that there is in the error that fn raises.
local PRELUDE = [[
  local planted = os.getenv("PLANTED")
  local function show(value, depth)
    if type(value) == "table" and depth < 6 then
      for k, v in pairs(value) do
        print(("  "):rep(depth) .. tostring(k), tostring(v))
        show(v, depth + 1)
      end
    end
  end
  local function try(fn)
    local ok, e = xpcall(fn, function(e) return { e, debug.traceback(e), debug.traceback(tostring(e)) } end)
    print("tried", ok, ok or e[1].kind)
    if not ok then
      print(e[1])
      show(e, 0)
      guestlua.log.error("failed", { cause = e[1] })
    end
  end
]]

-- Runs the script; nothing of what it wrote has the secret.
local function clean(script, arguments)
  local log = os.tmpname()
  finally(function()
    os.remove(log)
  end)
  local command = ("env PLANTED=%s LOG=%s %s - %s"):format(PLANTED, log, helper.interpreter, arguments or "")
  local code, out, err = helper.run(command, PRELUDE .. script)
  local file <close> = assert(io.open(log))
  for what, text in pairs({ out = out, err = err, log = file:read("a") }) do
    local at = text:find(PLANTED, 1, true)
    assert.is_nil(at, at and ("%s has it: %s"):format(what, text:sub(math.max(at - 300, 1), at + 60)))
  end
  return out, err, code
end

local ATTEMPTS = [[
  local host <close> = guestlua.open("test:///default")
  local guest = host:guest("test")
  local disk = guest:get_block_device("vda")
  local graphics = ("<graphics type='vnc' port='-1'\n  passwd='%s'/>"):format(planted)
  local domain = ("<domain type='test'><name>x</name><memory>1</memory><os><type>hvm</type></os><devices>%s</devices></domain>"):format(graphics)
  local auth = ("<disk type='network'><auth username='u'><secret>%s</secret></auth></disk>"):format(planted)
  local uri = ("nonsense://user:%s@host/x?password=%s"):format(planted, planted)
  for _, fn in ipairs({
    function() guest:set_user_password("root", planted) end,
    function() guest:set_user_password("root", planted, planted) end,
    function() guest:set_user_password("root", planted .. "\0") end,
    function() guest:agent_command(planted) end,
    function() guest:agent_command(planted, { agent_timeout = planted }) end,
    function() guest:exec("/bin/sh", { args = { "-c", planted }, input = planted }) end,
    function() guest:attach_device(graphics, { live = true }) end,
    function() guest:attach_device(guestlua.element(graphics)) end,
    function() guest:attach_device(graphics .. "<") end,
    function() guest:attach_device(auth, { timeout = 20 }) end,
    function() guest:detach_device(auth) end,
    function() guest:set_metadata(auth) end,
    function() guest:set_metadata(auth .. "<") end,
    function() guest:snapshot("<domainsnapshot>\n<x passwd='" .. planted .. "'>\n") end,
    function() host:write_instance_config(domain) host:guest("x"):delete_configuration() end,
    function() host:write_instance_config((domain:gsub("</name>", "</nam>"))) end,
    function() host:write_instance_config(("<domain type='test'>\n  <graphics passwd='%s' passwd='%s'/>\n</domain>"):format(planted, planted)) end,
    function() guestlua.Guest.create((domain:gsub("vnc", "vnx")), host, { validate = true }) end,
    function() guestlua.Guest.create(domain:gsub("<memory>1", "<memory passwd='" .. planted .. "'>1"), host, { validate = true }) end,
    function() guestlua.element("<a passwd='" .. planted .. "'") end,
    function() guest:migrate(uri, { destination_xml = domain, migrate_uri = uri }) end,
    function() disk:copy(auth, { transient = true }) end,
    function() guestlua.open(uri) end,
    function() guestlua.open(uri, { timeout = 20 }) end,
    function() guestlua.spawn(function() guest:set_user_password("root", planted) end):wait() end,
    function() guestlua.timeout(5, guest.set_user_password, guest, "root", planted) end,
  }) do
    try(fn)
  end
  for _, level in ipairs({ "error", "warning", "info", "debug", "trace" }) do
    local log = guestlua.log[level]
    log("with the password=" .. planted)
    log(domain)
    log("as JSON", { command = ('{"execute":"guest-set-user-password","arguments":{"password":"%s","input-data": "%s"}}'):format(planted, planted) })
    log("fields", { password = planted, nested = { vnc_passwd = planted }, xml = domain, element = guestlua.element(graphics), list = { auth } })
    log("objects", { guest = guest, host = host, uri = uri, token = planted, Secret = { planted } })
  end
  print("all tried")
  guest:agent_command(planted) -- not caught: its traceback is printed
]]

describe("A secret", function()
  local function attempts(settings)
    local out, err, code = clean(settings .. ATTEMPTS)
    assert.matches("all tried\n$", out)
    assert.equal(1, code)
    assert.matches("stack traceback:", err)
    return out, err
  end

  it("is in nothing that is printed", function()
    local out = attempts("")
    assert.matches("tried\tfalse\tno_support\n", out)
    assert.matches("tried\tfalse\txml_error\n", out)
    assert.matches("tried\tfalse\tinvalid_xml\n", out)
  end)

  it("is in no trace", function()
    local _, err = attempts([[guestlua.log.configure({ level = "trace" })]])
    assert.matches('virDomainSetUserPassword op=set_user_password guest=test user=root new_pass=%*%*%*', err)
    assert.matches('virDomainDefineXML op=write_instance_config .*<graphics type="vnc" port="%-1" passwd="%*%*%*"/>', err)
    assert.matches("nonsense://user:%*%*%*@host/x", err)
    assert.matches("nested={vnc_passwd=%*%*%*}", err)
  end)

  it("is in no trace as JSON, and in no log file", function()
    local _, err = attempts([[guestlua.log.configure({ level = "trace", format = "json", file = os.getenv("LOG") })]])
    assert.not_matches("^{", err)
  end)

  it("is in no dry run", function()
    local _, err = attempts([[guestlua.dry_run(true)]])
    assert.matches("dry run: virDomainAttachDeviceFlags op=attach_device guest=test conf=%(XML, %d+ bytes%)", err:gsub('"', ""))
  end)

  it("is in nothing that a real guest, its agent and QEMU answer", function()
    local out, err = clean([[
      package.path = "./?.lua;" .. package.path
      guestlua.log.configure({ level = "trace", file = os.getenv("LOG") })
      local tiny = require("spec.support.tiny")
      local machine <close> = tiny.boot({
        edit = function(domain)
          domain.devices:append(guestlua.element(("<graphics type='vnc' port='-1' passwd='%s'/>"):format(planted:sub(1, 8))))
        end,
      })
      local guest = machine.guest
      assert(guest:get_xml_desc({ dump_sensitive = true }):find(planted:sub(1, 8), 1, true)) -- what is asked for is given
      try(function() guest:set_user_password("nobody", planted) end)
      try(function() guest:agent_command(planted) end)
      try(function() guest:agent_command(('{"execute":"nonsense","arguments":{"password":"%s"}}'):format(planted)) end)
      try(function() guest:agent_command(('{"execute":"guest-ping","arguments":{"password":"%s"}'):format(planted)) end)
      try(function() guest:exec("/nonexistent", { args = { planted }, input = planted }) end)
      try(function() guest:attach_device(("<graphics type='vnc' port='-1' passwd='%s'/>"):format(planted), { live = true }) end)
      guest:poweroff()
      local text = guest:get_xml_desc():gsub("<graphics.-</graphics>", "")
        :gsub("<domain ", "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' ", 1)
        :gsub("</domain>", ("<qemu:commandline><qemu:arg value='-object'/><qemu:arg value='secret,id=s,format=nonsense,data=%s'/>"
          .. "<qemu:env name='X_TOKEN' value='%s'/></qemu:commandline></domain>"):format(planted, planted))
      machine.host:write_instance_config(text)
      try(function() guest:launch() end)
      print("all tried")
    ]])
    assert.equal("", err)
    assert.matches("all tried\n$", out)
    assert.matches("secret,id=s,format=nonsense,data=%*%*%*", out)
  end)
end)

describe("The mask", function()
  it("finds secrets in XML, and leaves the rest as it is", function()
    for xml, expected in pairs({
      ["<a><!-- passwd='x1y' --> <b c='d'/>\n</a>"] = '<a><b c="d"/></a>',
      ["<graphics type='vnc' passwd='x' passwdValidTo='2030-01-01'/>"] = '<graphics type="vnc" passwd="***" passwdValidTo="2030-01-01"/>',
      ["<secret type='ceph' uuid='1'/>"] = '<secret type="ceph" uuid="1"/>',
      ["<secret><value>x<![CDATA[y]]></value></secret>"] = "<secret><value>***<![CDATA[***]]></value></secret>",
      ["<cookies><cookie name='a'>b</cookie></cookies>"] = '<cookies><cookie name="a">***</cookie></cookies>',
      ["<source name='rbd:a:id=b:password=c'/>"] = '<source name="rbd:a:id=b:password=***"/>',
      ["<oemStrings><entry>a</entry></oemStrings>"] = "<oemStrings><entry>***</entry></oemStrings>",
      ["<sysinfo type='smbios'><system><entry name='a'>b</entry></system></sysinfo>"] =
        '<sysinfo type="smbios"><system><entry name="a">b</entry></system></sysinfo>',
      ["<q:c xmlns:q='q'><q:arg value='-a'/><q:arg value='-passwd'/><q:arg value='b'/><q:arg value='c'/></q:c>"] =
        '<q:c xmlns:q="q"><q:arg value="-a"/><q:arg value="***"/><q:arg value="***"/><q:arg value="c"/></q:c>',
      ["<domain><metadata><x:a xmlns:x='x' token='b' c='d'><password>e</password><auth>f</auth>password: g</x:a></metadata></domain>"] =
        '<domain><metadata><x:a xmlns:x="x" token="***" c="d"><password>***</password><auth>f</auth>password: ***</x:a></metadata></domain>',
      ["<os><initenv name='DB_PASSWORD'>a</initenv><initarg>--token</initarg><initarg>b</initarg><initarg>c</initarg></os>"] =
        '<os><initenv name="DB_PASSWORD">***</initenv><initarg>--token</initarg><initarg>***</initarg><initarg>c</initarg></os>',
      ["<rbd:o xmlns:rbd='r'><rbd:option name='key' value='a'/><rbd:option name='b' value='c'/></rbd:o>"] =
        '<rbd:o xmlns:rbd="r"><rbd:option name="key" value="***"/><rbd:option name="b" value="c"/></rbd:o>',
      ["<filterref filter='a'><parameter name='PSK' value='b'/><parameter name='MAC' value='c'/></filterref>"] =
        '<filterref filter="a"><parameter name="PSK" value="***"/><parameter name="MAC" value="c"/></filterref>',
      ["<metadata><x:a xmlns:x='x'><x:set key='api_token'>b</x:set><x:set key='c'>d</x:set></x:a></metadata>"] =
        '<metadata><x:a xmlns:x="x"><x:set key="api_token">***</x:set><x:set key="c">d</x:set></x:a></metadata>',
      ["<a"] = "(XML, 2 bytes)",
      [""] = "(XML, 0 bytes)",
    }) do
      assert.equal(expected, core.mask_xml(xml))
    end
  end)

  it("finds secrets in text, and leaves the rest as it is", function()
    for text, expected in pairs({
      ["password=abc, user=b"] = "password=***, user=b",
      ["a\n-----BEGIN EC PRIVATE KEY-----\nb\nc\n-----END EC PRIVATE KEY-----\nd"] =
        "a\n-----BEGIN EC PRIVATE KEY-----***-----END EC PRIVATE KEY-----\nd",
      ["x (virSecretDefineXML: no_support, code 3)"] = "x (virSecretDefineXML: no_support, code 3)",
      ["virSecret=a virSecret"] = "virSecret=*** virSecret",
      ["-----BEGIN PRIVATE KEY-----\nb"] = "-----BEGIN PRIVATE KEY-----***",
      ["-----BEGIN CERTIFICATE-----\nb\n-----END"] = "-----BEGIN CERTIFICATE-----\nb\n-----END",
      ["curl --user a:b c"] = "curl --user a:*** c",
      ["PresharedKey = a, pw=b, pwd=c"] = "PresharedKey = ***, pw=***, pwd=***",
      ["PASSWD='a b' c"] = "PASSWD='***' c",
      ['{"password" : "a\\"b", "x": 1}'] = '{"password" : "***", "x": 1}',
      ['"{\\"new_password\\": \\"a b\\"}"'] = '"{\\"new_password\\": \\"***\\"}"',
      ["the password is wrong: too short"] = "the password is wrong: too short",
      ["Invalid password: too short"] = "Invalid password: too short",
      ["qemu+ssh://u:p@h/system and tcp://h:22/x@y"] = "qemu+ssh://u:***@h/system and tcp://h:22/x@y",
      ["set_password vnc abc keep"] = "set_password vnc *** keep",
      ['cmd="set_password spice \\"a b\\""'] = 'cmd="set_password spice \\"***\\""',
      ["change vnc password abc"] = "change vnc password ***",
      ["set_password vnc"] = "set_password vnc",
      ["change the password at once, set password rules"] = "change the password at once, set password rules",
      ["uri=secret:///system x"] = "uri=secret:///system x",
      ["secret://u:p@h/system"] = "secret://u:***@h/system",
      ["my_secret://abc"] = "my_secret:***",
      ["-object secret,id=a,data=b -x"] = "-object secret,id=a,data=*** -x",
      ["data=b"] = "data=b",
      ["secret"] = "secret",
      ["password="] = "password=",
      ["password='"] = "password='",
      [""] = "",
    }) do
      assert.equal(expected, core.mask(text))
    end
  end)

  it("is on what is shown of a host", function()
    local host <close> = guestlua.open("test:///default")
    assert.equal("<Host test:///default>", tostring(host))
  end)
end)
