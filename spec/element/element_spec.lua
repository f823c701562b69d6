local guestlua = require("guestlua")
local helper = require("spec.support.helper")

describe("Element", function()
  local element = guestlua.element

  it("reads attributes, child elements and text", function()
    local disk = element("<disk type='file'><source file='/a &amp; b'/><target dev='vda' bus='virtio'/><serial>abc</serial></disk>")
    assert.equal("disk", disk:tag())
    assert.equal("file", disk.type)
    assert.equal("/a & b", disk.source.file)
    assert.equal("vda", disk.target.dev)
    assert.equal("abc", disk.serial[1])
    assert.is_nil(disk.nothing)
    assert.is_nil(disk.source.nothing)
    assert.equal("", disk.source[1])
    assert.equal(3, #disk:children())
    assert.equal("target", disk:children("target")[1]:tag())
  end)

  it("takes an attribute before a child element, and has accessors for both", function()
    local e = element("<a name='x' children='3'><name>y</name></a>")
    assert.equal("x", e.name)
    assert.equal("y", e:child("name")[1])
    assert.equal("3", e:attribute("children"))
    assert.is_nil(e:attribute("child"))
    assert.is_nil(e:child("child"))
  end)

  it("reports all its attributes", function()
    local e = element("<a xmlns:q='urn:q' x='1' children='&lt;' q:y='2'><b z='3'/></a>")
    assert.same({ x = "1", children = "<", ["q:y"] = "2" }, e:attributes())
    assert.same({}, element("<a/>"):attributes())
  end)

  it("prints itself indented, and keeps text as it is", function()
    local e = element("<a>\n      <b x='1'><c/>\n\n</b> <t> text </t><m>x <i/> y</m><!-- n --></a>")
    local before = tostring(e)
    assert.equal([[
<a>
  <b x="1">
    <c/>
  </b>
  <t> text </t>
  <m>x <i/> y</m>
  <!-- n -->
</a>]], e:pretty())
    assert.equal("<b x=\"1\">\n  <c/>\n</b>", e.b:pretty())
    assert.equal(before, tostring(e))
    e:child("b"):remove()
    assert.equal("<q:a xmlns:q=\"urn:q\"/>", element("<r xmlns:q='urn:q'><q:a/></r>"):child("a"):pretty())
  end)

  -- Seen: assigning to domain.commandline, read from <qemu:commandline>, made an element without a namespace, which libvirt drops in silence.
  describe("with a namespace", function()
    local QEMU = "http://libvirt.org/schemas/domain/qemu/1.0"
    local OLD = ("<domain xmlns:qemu=%q><qemu:commandline><qemu:arg value='-old'/></qemu:commandline></domain>"):format(QEMU)
    local NEW = ('<domain xmlns:qemu=%q><qemu:commandline><qemu:arg value="-new"/></qemu:commandline></domain>'):format(QEMU)

    it("writes where it reads", function()
      for i, change in ipairs({
        function(d) d.commandline = { arg = { value = "-new" } } end,
        function(d) d["qemu:commandline"] = { ["qemu:arg"] = { value = "-new" } } end,
        function(d) d.commandline.arg = { { value = "-new" } } end,
        function(d) d.commandline.arg.value = "-new" end,
        function(d) d["qemu:commandline"]["qemu:arg"].value = "-new" end,
        function(d) d.commandline = element("commandline", { arg = { value = "-new" } }) end,
        function(d) d.commandline = element(NEW).commandline end,
        function(d)
          d.commandline.arg = nil
          d.commandline:append(element("arg", { value = "-new" }))
        end,
        function(d)
          d.commandline = nil
          d["qemu:commandline"] = { arg = element("arg", { value = "-new" }) }
        end,
      }) do
        local d = element(OLD)
        change(d)
        assert.equal(NEW, (tostring(d):gsub("(<qemu:commandline) xmlns:qemu=%b\"\"", "%1")), i)
        assert.equal("-new", d.commandline.arg.value)
        assert.equal("-new", d["qemu:commandline"]:child("qemu:arg").value)
        assert.equal(1, #d:children("qemu:commandline"))
        assert.is_nil(d["other:commandline"])
      end
    end)

    it("is made from a table", function()
      local d = element("domain", { ["xmlns:qemu"] = QEMU, ["qemu:commandline"] = { ["qemu:arg"] = { { value = "-new" } }, ["qemu:x"] = "1" } })
      assert.equal(([[
<domain xmlns:qemu=%q>
  <qemu:commandline qemu:x="1">
    <qemu:arg value="-new"/>
  </qemu:commandline>
</domain>]]):format(QEMU), tostring(d))
      assert.equal(QEMU, d["xmlns:qemu"])
      assert.equal("1", d.commandline["qemu:x"])
      assert.equal('<q:a xmlns:q="urn:q"/>', tostring(element("q:a", { ["xmlns:q"] = "urn:q" })))
      assert.equal('<m>\n  <q:a xmlns:q="urn:q">\n    <q:b>t</q:b>\n  </q:a>\n</m>',
        tostring(element("m", { ["q:a"] = { ["xmlns:q"] = "urn:q", b = { "t" } } })))
      local m = element("<m/>")
      m["xmlns:q"] = "urn:q"
      m["q:a"] = {}
      m["q:b"] = 1
      assert.equal('<m xmlns:q="urn:q" q:b="1"><q:a/></m>', tostring(m))
      m["q:a"], m["q:b"] = nil, nil
      assert.equal('<m xmlns:q="urn:q"/>', tostring(m))
      m.part = { ["q:a"] = 1 }
      assert.equal("bad_argument", helper.failure(function() m.part["xmlns:q"] = "urn:r" end).kind)
      m.part = { ["q:a"] = 1, ["xmlns:q"] = "urn:r" } -- a new one may
      assert.equal('<m xmlns:q="urn:q"><part xmlns:q="urn:r" q:a="1"/></m>', tostring(m))
    end)

    it("says what to do about a prefix that nothing declares", function()
      for _, make in ipairs({
        function() element("q:a", {}) end,
        function() element("a", { ["q:b"] = {} }) end,
        function() element("a", { ["q:b"] = 1 }) end,
        function() element("<a/>")["q:b"] = {} end,
        function() element("<a><b xmlns:q='urn:q'/></a>")["q:b"] = {} end,
      }) do
        local e = helper.failure(make)
        assert.equal("bad_argument", e.kind)
        assert.matches('the prefix \'q\' is not declared here; .*%["xmlns:q"%] = its namespace', e.message)
      end
      local m = element("<m xmlns:q='urn:q'/>")
      assert.matches("the prefix stands for 'urn:q' here already", helper.failure(function() m["xmlns:q"] = "urn:r" end).message)
      for _, name in ipairs({ "q:", ":q", "xmlns:", "xmlns:xml", "xmlns:xmlns", "xmlns" }) do
        assert.equal("bad_argument", helper.failure(function() m[name] = "urn:x" end).kind, name)
      end
      assert.equal('<m xmlns:q="urn:q"/>', tostring(m))
    end)

    it("comes through libvirt", function()
      local host <close> = guestlua.open("test:///default")
      local meta = element("m:mine", { ["xmlns:m"] = "urn:m", part = { { n = 1 }, { n = 2 } } })
      local guest = guestlua.Guest.create(element("domain", {
        type = "test", name = { "namespaces" }, memory = { 1024 }, os = { type = { "hvm" } }, metadata = { ["m:mine"] = meta },
      }), host)
      local config = guest:get_config()
      assert.equal(2, #config.metadata.mine:children("part"))
      config.metadata.mine.part = { { n = 3 } }
      guestlua.Guest.create(config, host):close()
      config = guest:get_config()
      guest:delete_configuration()
      assert.equal("3", config.metadata["m:mine"]["m:part"].n)
      assert.equal(1, #config.metadata.mine:children("part"))
    end)
  end)

  it("is built from a table", function()
    local disk = element("disk", {
      type = "file",
      source = { file = "/x'\"<>&" },
      target = { dev = "vdb", bus = "virtio" },
      serial = { "s&s" },
      iotune = { read_bytes_sec = { 1024 } },
      host = { { name = "a", port = 1 }, { name = "b", port = 2.0 } },
      readonly = {},
    })
    assert.equal([[
<disk type="file">
  <host name="a" port="1"/>
  <host name="b" port="2"/>
  <iotune>
    <read_bytes_sec>1024</read_bytes_sec>
  </iotune>
  <readonly/>
  <serial>s&amp;s</serial>
  <source file="/x'&quot;&lt;&gt;&amp;"/>
  <target bus="virtio" dev="vdb"/>
</disk>]], tostring(disk))
    assert.equal("/x'\"<>&", element(tostring(disk)).source.file)
    assert.equal(tostring(disk), tostring(element("wrap", { disk = disk }).disk))
  end)

  it("has numbers with a decimal point, whatever the locale", function()
    local directory = helper.scratch()
    if not os.execute(("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1"):format(directory)) then
      pending("the package locales is not installed")
    end
    local script = 'assert(os.setlocale("de_DE.UTF-8")) print(1.5, guestlua.element("a", { b = 1.5, c = { -0.25 } }))'
    -- Without the search for leaks: glibc never frees what it made of LOCPATH.
    local code, out, err = helper.run(("env LSAN_OPTIONS=detect_leaks=0 LOCPATH=%s %s -e %s")
      :format(directory, helper.interpreter, helper.quoted(script)))
    os.execute("rm -r " .. directory)
    assert.same({ 0, '1,5\t<a b="1.5"><c>-0.25</c></a>', "" }, { code, (out:gsub("%s*\n%s*", "")), err })
  end)

  it("is changed in place, and prints the rest as it was", function()
    local text = "<domain xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0' type='kvm'>\n <!-- mine -->\n"
      .. " <name>a</name><q:commandline><q:arg value='-S'/></q:commandline><disk/><disk/></domain>"
    local domain = element(text)
    assert.equal((text:gsub("'", '"')), tostring(domain))
    domain.name = "b"
    domain.type = "qemu"
    domain.uuid = "u"
    domain.disk = { { n = 1 }, { n = 2 }, { n = 3 } }
    local expected = text:gsub("'", '"'):gsub(">a<", ">b<"):gsub("kvm", "qemu"):gsub('qemu">', 'qemu" uuid="u">', 1)
      :gsub("<disk/><disk/>", '<disk n="1"/><disk n="2"/><disk n="3"/>')
    assert.equal(expected, tostring(domain))
    local old = domain.disk
    domain.disk = nil
    domain.uuid = nil
    assert.is_nil(domain.disk)
    assert.is_nil(domain.uuid)
    assert.equal("1", old.n) -- taken out, and still there for who holds it
    domain.name[1] = "c"
    assert.equal("c", domain.name[1])
  end)

  it("gets more children, and loses them", function()
    local devices = element("<devices><disk a='1'/></devices>")
    local added = devices:append(guestlua.device.disk({ a = 2 }))
    added.b = 3
    assert.equal('<devices><disk a="1"/><disk a="2" b="3"/></devices>', tostring(devices))
    devices.disk:remove()
    assert.equal('<devices><disk a="2" b="3"/></devices>', tostring(devices))
    devices:remove()
    added:remove()
    assert.equal("<devices/>", tostring(devices))
    assert.equal('<disk a="2" b="3"/>', tostring(added))
  end)

  it("is checked against libvirt's schemas", function()
    local disk = guestlua.device.disk({ type = "file", source = { file = "/x" }, target = { dev = "vda", bus = "virtio" } })
    assert.is_true(disk:validate())
    disk.target.bus = "nonsense"
    local e = helper.failure(disk.validate, disk)
    assert.equal("invalid_xml", e.kind)
    assert.matches("line 3, element <target>: Invalid attribute bus", e.message)
    assert.matches("no schema for <nonsense>", helper.failure(function() element("<nonsense/>"):validate() end).message)

    local host <close> = guestlua.open("test:///default")
    local domain = host:guest("test"):get_config()
    assert.is_true(domain:validate())
    domain.name = "validated"
    domain.uuid = nil
    domain.devices:append(disk)
    e = helper.failure(guestlua.Guest.create, domain, host, { validate = true })
    assert.equal("invalid_xml", e.kind)
    assert.matches("element <target>", e.message)
    assert.is_nil(host:guest("validated"))
    e = helper.failure(host:guest("test").attach_device, host:guest("test"), disk, { validate = true })
    assert.same({ "invalid_xml", "attach_device", "test" }, { e.kind, e.op, e.guest })
    assert.matches("element <target>", e.message)

    -- what libvirt would drop in silence
    for _, case in ipairs({
      { "<commandline>", function(d) d.commandline = { arg = { value = "-x" } } end },
      { "<disk>", function(d) d.disk = {} end },
      { "<vcpu>", function(d) d.devices.vcpu = { "2" } end },
      { "<made>", function(d) d["q:made"] = { ["xmlns:q"] = "urn:q" } end },
      { "<mac>", function(d) d.devices.interface = { type = "user", mac = { adress = "52:54:00:00:00:01" } } end },
      { "<nothing>", function(d) d.devices.redirdev = { bus = "usb", type = "pty", nothing = {} } end },
    }) do
      local changed = host:guest("test"):get_config()
      case[2](changed)
      e = helper.failure(changed.validate, changed)
      assert.equal("invalid_xml", e.kind)
      assert.is_truthy(e.message:find(case[1], 1, true), e.message)
    end
  end)

  it("outlives the element that it came from", function()
    local target = element("<disk><target dev='vda'/></disk>").target
    collectgarbage()
    collectgarbage()
    assert.equal("vda", target.dev)
  end)

  it("declares the namespaces of a part that is printed alone", function()
    local e = element("<a xmlns:x='urn:x'><x:b x:c='1'/></a>")
    assert.equal('<x:b xmlns:x="urn:x" x:c="1"/>', tostring(e:children()[1]))
  end)

  it("is of no use once it is closed", function()
    local e <close> = element("<a/>")
    local closed = element("<b/>")
    do
      local _ <close> = closed
    end
    assert.equal("closed", helper.failure(function() return closed.x end).kind)
    assert.equal("closed", helper.failure(function() e.b = closed end).kind)
    assert.equal("closed", helper.failure(e.append, e, closed).kind)
    assert.equal("<a/>", tostring(e))
  end)

  it("is left as it was by an assignment that fails", function()
    local e = element("<a><d n='0'/></a>")
    assert.equal("bad_argument", helper.failure(function() e.d = { { n = 1 }, { n = true } } end).kind)
    assert.equal('<a><d n="0"/></a>', tostring(e))
  end)

  it("distinguishes an attribute from one of the same name in a namespace", function()
    local e = element("<a xmlns:x='urn:x' x:c='1'><c>2</c></a>")
    e.c = "3"
    assert.equal('<a xmlns:x="urn:x" x:c="1"><c>3</c></a>', tostring(e))
    e.c = nil
    e.c = nil
    assert.equal('<a xmlns:x="urn:x" x:c="1"/>', tostring(e))
    assert.equal("bad_argument", helper.failure(function() e.xmlns = "urn:y" end).kind)
  end)

  it("cannot be put into itself deeper than it could be read again", function()
    local e = element("<a/>")
    local function deepen()
      local deepest = e
      while deepest:child("a") do
        deepest = deepest:child("a")
      end
      deepest:append(e)
    end
    local failure
    for _ = 1, 20 do
      local ok
      ok, failure = pcall(deepen)
      if not ok then
        break
      end
    end
    assert.equal("bad_argument", failure.kind)
    assert.equal(tostring(e), tostring(element(tostring(e))))
  end)

  it("refuses what is not XML, what is too large or too deep, and what would fetch something", function()
    for text, message in pairs({
      [""] = "not XML",
      ["<a>"] = "line 1",
      ["<a>\n<b></a>"] = "line 2",
      ["<a/><b/>"] = "line 1",
      ['<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'] = "document type declaration",
      ['<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'] = "document type declaration",
      [("<a>"):rep(1000) .. ("</a>"):rep(1000)] = "depth",
      ["<a>" .. ("x"):rep(17 * 2 ^ 20 | 0) .. "</a>"] = "larger than",
    }) do
      local e = helper.failure(element, text)
      assert.equal("xml_error", e.kind)
      assert.matches(message, e.message)
    end
  end)

  it("refuses tables that are no XML", function()
    local loop = {}
    loop.a = loop
    for message, value in pairs({
      ["no booleans"] = { a = true },
      ["is no name"] = { ["a b"] = "x" },
      ["a name expected"] = { [2] = "x" },
      ["control character 1"] = { a = "\1" },
      ["not UTF%-8"] = { a = "\xff" },
      ["XML cannot hold"] = { a = "\u{FFFE}" },
      ["NUL byte"] = { a = "x\0y" },
      ["contain itself"] = loop,
      ["got function"] = { a = print },
      ["a <b> element expected, got a <c>"] = { b = element("<c/>") },
    }) do
      local e = helper.failure(element, "e", value)
      assert.equal("bad_argument", e.kind)
      assert.matches(message, e.message)
    end
    assert.equal("bad_argument", helper.failure(element, "a b", {}).kind)
    assert.equal("bad_argument", helper.failure(element, nil).kind)
    assert.equal("bad_argument", helper.failure(element, "a", 1).kind)
  end)
end)
