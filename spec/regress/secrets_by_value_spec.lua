-- Secrets were known by their names and places only: what was given as a password was printed where another call, QEMU or the agent quoted it, in
-- base64 and in JSON, in a URI with @ or / in the password, and in elements and fields that no list had. Now a state knows what it was given.

local guestlua = require("guestlua")
local core = require("guestlua.core")
local helper = require("spec.support.helper")

local json = require("dkjson")

local S = "pl4nted-S3cret\\<" -- JSON and XML escape it

-- Each has learnt the secret in its own way; then all that is printed is searched for it.
local function printed(learn)
  local script = ([[
    local S = %q
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    local function try(...) return select(2, pcall(...)) end
    %s
    print(guestlua.Error.new({ kind = "x", message = "it was " .. S }))
    guestlua.log.error("it was " .. S, { n = S, list = { S }, x = "<a>" .. S .. "</a>" })
    guestlua.spawn(function() error("it was " .. S) end)
    guestlua.sleep(0.01)
    local progress <close> = guestlua.progress(S)
    progress:update(1)
    error("in the end it was " .. S)
  ]]):format(S, learn)
  local code, out, err = helper.guestlua("--log-level trace -", script)
  assert.equal(1, code)
  assert.matches("in the end it was %*%*%*", err)
  for _, text in ipairs({ out, err }) do
    assert.is_nil(text:find("pl4nted", 1, true), text)
  end
  return out .. err
end

describe("A secret is known by value", function()
  it("if it was an argument of that kind", function()
    printed("try(guest.set_user_password, guest, 'root', S)")
  end)

  it("if exec was given it", function()
    printed("try(guest.exec, guest, '/bin/x', { args = { S }, secret = S })")
    printed("try(guest.exec, guest, '/bin/x', { args = { 'a' .. S }, secret = { 'other', S } })")
    printed("try(guest.exec, guest, '/bin/x', { input = S .. '\\n' })")
  end)

  it("if libvirt's schema has it for one", function()
    for _, xml in ipairs({
      "<disk><auth username='u'><secret>%s</secret></auth></disk>",
      "<disk><source protocol='https'><cookies><cookie name='a'>%s</cookie></cookies></source></disk>",
      "<disk><source protocol='https' query='sig=%s'/></disk>",
      "<disk><source protocol='rbd' name='pool/img:id=a:key=%s:auth_supported=b'/></disk>",
      "<graphics type='vnc' passwd='%s'/>",
      "<domain><launchSecurity type='sev'><dhCert>%s</dhCert></launchSecurity></domain>",
      "<domain><sysinfo type='fwcfg'><entry name='opt/x'>%s</entry></sysinfo></domain>",
      "<domain><sysinfo type='smbios'><oemStrings><entry>%s</entry></oemStrings></sysinfo></domain>",
      "<domain><os><cmdline>quiet luks.key=%s</cmdline></os></domain>",
      "<domain><os><cmdline>netroot=iscsi:user:%s@10.0.0.1::3260::iqn</cmdline></os></domain>",
      "<d xmlns:q='q'><q:arg value='-passwd'/><q:arg value='%s'/></d>",
      "<d xmlns:q='q'><q:arg value='-fw_cfg'/><q:arg value='name=opt/x,string=%s'/></d>",
      "<d xmlns:q='q'><q:property name='password' value='%s'/></d>",
      "<d xmlns:q='q'><q:env name='X_TOKEN' value='%s'/></d>",
    }) do
      printed(("try(guest.attach_device, guest, (%q):format((S:gsub('[&<]', { ['&'] = '&amp;', ['<'] = '&lt;' }))))"):format(xml))
    end
  end)

  it("if it was the password of a URI, with @ and / in it too", function()
    for _, password in ipairs({ "s3cr3t-pw", "a@s3cr3t-pw", "a/s3cr3t-pw@x", "a/s3cr3t-pw#x", "a/s3cr3t-pw?x" }) do
      local _, out, err = helper.guestlua("--log-level trace -", ([[
        print(pcall(guestlua.open, "qemu+tcp://root:%s@127.0.0.1:1/system"))
        error(%q)
      ]]):format(password, "it was " .. password))
      assert.is_nil((out .. err):find("s3cr3t", 1, true), out .. err)
    end
  end)

  it("in the encodings that guestlua makes itself, and until it is pushed out", function()
    core.secret(S)
    for before = 0, 3 do
      local text = core.mask(("it: %s"):format(core.mask(("x"):rep(before) .. S)))
      assert.is_nil(text:find("pl4nted", 1, true), text)
    end
    assert.is_nil(core.mask(json.encode({ a = S })):find("pl4nted", 1, true))
    local element = guestlua.element("<a/>")
    element.b = S
    assert.equal('<a b="***"/>', core.mask(tostring(element)))
    assert.equal('<a b="***"/>', core.mask_xml(tostring(element)))
    core.secret("a-password-of-some-length")
    assert.equal("***", core.mask("YS1wYXNzd29yZC1vZi1zb21lLWxlbmd0aA==")) -- whole
    assert.is_nil(core.mask("eGEtcGFzc3dvcmQtb2Ytc29tZS1sZW5ndGh5"):find("c3N3b3JkLW9mLXNvbWUtbGVu", 1, true)) -- after an x and before a y
    assert.is_nil(core.mask("eHhhLXBhc3N3b3JkLW9mLXNvbWUtbGVuZ3Ro"):find("XBhc3N3b3JkLW9mLXNvbWUtb", 1, true)) -- after two
  end)

  it("but not if it is so short that it would be found everywhere", function()
    core.secret("abc")
    core.secret("")
    core.secret("true")
    assert.equal("abc is true", core.mask("abc is true"))
  end)

  it("and the set of them is bounded", function()
    local _, out = helper.guestlua("-", [[
      local core = require("guestlua.core")
      core.secret("the-oldest-of-all")
      local kept = core.mask("the-oldest-of-all")
      for i = 1, 20000 do
        core.secret(("a-secret-%06d"):format(i))
      end
      core.secret(("x"):rep(1 << 20))
      print(kept, core.mask("the-oldest-of-all"), core.mask("a-secret-020000"))
    ]])
    assert.equal("***\tthe-oldest-of-all\t***\n", out)
  end)
end)

describe("The one list of names", function()
  it("is for fields and for texts", function()
    for _, name in ipairs({ "pass", "PWD", "db_pass", "passphrase", "api_key", "apikey", "private_key", "authorization", "Cookie", "sig",
      "vnc_passwd" }) do
      assert.is_true(core.is_secret_name(name), name)
    end
    for _, name in ipairs({ "key", "passed", "guest", "signal", "monkey", "design", "uuid" }) do
      assert.is_false(core.is_secret_name(name), name)
    end
    for text, expected in pairs({
      ["header Authorization: Bearer abc def"] = "header Authorization: ***",
      ["the password: abc"] = "the password: ***",
      ["--password abc -x"] = "--password *** -x",
      ["curl -u admin:abc https://x"] = "curl -u admin:*** https://x",
      ["https://x/y?sig=abc&key=def&z=1"] = "https://x/y?sig=***&key=***&z=1",
      ["rbd:p/i:id=a:key=abc:mon_host=b"] = "rbd:p/i:id=a:key=***:mon_host=b",
      ["key=app design=x"] = "key=app design=x",
      ["x:1: ')' expected near '\"abc\"'"] = "x:1: ')' expected near '\"***\"'",
      ["x:1: unexpected symbol near 'abc'"] = "x:1: unexpected symbol near 'abc'",
      ["tcp://h:22/x@y"] = "tcp://h:22/x@y",
    }) do
      local masked = core.mask(text):gsub("near '\"%*%*%*'", "near '\"***\"'")
      assert.equal(expected, masked)
    end
  end)
end)

describe("guest:exec", function()
  it("refuses what JSON cannot have, before libvirt's parser quotes it", function()
    local host <close> = guestlua.open("test:///default")
    local guest = host:guest("test")
    for argument, options in pairs({
      ["args[1]"] = { args = { "hunter2pass\xe9" } },
      ["secret[2]"] = { secret = { "x", 1 } },
      secret = { secret = 1 },
    }) do
      local e = helper.failure(guest.exec, guest, "/bin/login", options)
      assert.equal("bad_argument", e.kind)
      assert.equal(argument, e.argument)
      assert.is_nil(tostring(e):find("hunter2pass", 1, true))
    end
    assert.equal("path", helper.failure(guest.exec, guest, "/bin/\xe9").argument)
  end)

  it("has no part of a command in the error about its JSON", function()
    local machine <close> = require("spec.support.tiny").boot()
    local e = helper.failure(machine.guest.agent_command, machine.guest, '{"execute":"x","a":"hunter2pass \xe9 and more"}')
    assert.is_nil((tostring(e) .. e.message):find("hunter2pass", 1, true), tostring(e))
  end)
end)
