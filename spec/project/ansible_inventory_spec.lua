-- The inventory plugin of the Ansible collection, on the test driver and on a libvirtd.

local helper = require("spec.support.helper")
local support = require("spec.support.ansible")

local TAGGED = [[<metadata><l:tags xmlns:l='urn:guestlua:tags'><l:tag>shop</l:tag><l:tag>{{ 1 + 1 }}</l:tag></l:tags></metadata>]]

describe("The inventory plugin", function()
  local ansible
  setup(function()
    ansible = support.new()
  end)
  teardown(function()
    os.execute("rm -rf " .. ansible.directory)
  end)

  local function it_(name, fn)
    it(name, function()
      if ansible.missing then
        return pending(ansible.missing)
      end
      fn()
    end)
  end

  -- A host of the test driver's with these guests: name = XML that it has besides.
  local function node(name, guests)
    local parts = { "<node>" }
    for guest, more in pairs(guests) do
      parts[#parts + 1] = ("<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os>%s</domain>"):format(guest, more)
    end
    parts[#parts + 1] = "</node>"
    return "test://" .. ansible:file(name .. ".xml", table.concat(parts))
  end

  local function configured(hosts, more)
    return ansible:file("x.guestlua.yml", ("plugin: guestlua.guestlua.guests\nexecutable: %s\nhosts:\n%s\n%s\n"):format(support.interpreter(), hosts,
      more or ""))
  end

  local function list(hosts, more, settings)
    return ansible:json("ansible-inventory --list -i " .. configured(hosts, more), settings)
  end

  it_("has hosts and guests, in groups by state, host and tag", function()
    local said, _, marked = list(("- {name: one, uri: '%s'}\n- {name: two, uri: '%s'}\n- test:///default"):format(
      node("one", { web = TAGGED, db = "<title>{{ lookup('pipe', 'id') }}</title>" }), node("two", { mail = "<description>x</description>" })))
    local of = said._meta.hostvars
    assert.same({ "one", "two", "test:///default" }, said.hypervisors.hosts)
    assert.same({ "db", "mail", "test", "web" }, (function(names) table.sort(names) return names end)(said.guests.hosts))
    assert.same({ "web" }, said.tag_shop.hosts)
    assert.same({ "mail" }, said.host_two.hosts)
    assert.equal(4, #said.state_running.hosts)
    assert.same({ "one", "running", true, 1024, "web" }, { of.web.guestlua_host, of.web.guestlua_state, of.web.guestlua_active,
      of.web.guestlua_memory_kib, of.web.guestlua_name })
    assert.equal("shop", of.web.guestlua_tags[1])
    -- what others wrote is no template
    assert.same({ __ansible_unsafe = "{{ 1 + 1 }}" }, marked._meta.hostvars.web.guestlua_tags[2])
    assert.same({ __ansible_unsafe = "{{ lookup('pipe', 'id') }}" }, marked._meta.hostvars.db.guestlua_title)
    assert.equal("x", of.mail.guestlua_description)
    assert.equal("local", of.one.ansible_connection)
    -- by a lease
    assert.equal("192.168.122.3", of.test.ansible_host)
    assert.equal("lease", of.test.guestlua_addresses[1].source)
    assert.is_nil(of.web.ansible_host)
  end)

  it_("asks all hosts in one process", function()
    local program = ansible:file("counted", ("#!/bin/sh\necho x >>%s/count\nexec %s \"$@\"\n"):format(ansible.directory, support.interpreter()))
    assert.is_true(os.execute("chmod +x " .. program))
    local path = ansible:file("c.guestlua.yml", (
      "plugin: guestlua.guestlua.guests\nexecutable: %s\nhosts: ['%s', '%s']"):format(program, node("one", { a = "", b = "" }),
      node("two", { c = "" })))
    local said = ansible:json("ansible-inventory --list -i " .. path)
    assert.equal(3, #said.guests.hosts)
    assert.equal("x\n", io.open(ansible.directory .. "/count"):read("a"))
  end)

  it_("has the graph, and what Ansible constructs", function()
    local said = list("- test:///default", [[
keyed_groups: [{key: guestlua_host, prefix: at}]
groups: {big: guestlua_memory_kib > 4096, small: guestlua_memory_kib < 4096}
compose: {ansible_host: "guestlua_name ~ '.example.org'"}]])
    assert.same({ "test" }, said.big.hosts)
    assert.is_nil(said.small)
    assert.same({ "test" }, said.at_test____default.hosts)
    assert.equal("test.example.org", said._meta.hostvars.test.ansible_host)
    local code, out = ansible:run("ansible-inventory --graph -i " .. configured("- test:///default"))
    assert.equal(0, code)
    assert.matches("@guests:\n  |  |%-%-test\n", out)
    assert.matches("@hypervisors:\n  |  |%-%-test:///default\n", out)
  end)

  it_("names the hosts that cannot be used, and the others go on", function()
    local hosts = "- test:///default\n- {name: gone, uri: 'test:///nonexistent.xml'}\n- nonsense\n- test:///default"
      .. "\n- {name: far, uri: 'qemu+tcp://u:hunter2@192.0.2.1:1/system?password=hunter2'}"
    local said, warnings = list(hosts, "timeout: 3")
    warnings = warnings:gsub("%s+", " ")
    assert.same({ "test" }, said.guests.hosts)
    assert.same({ "test:///default", "gone", "far" }, said.hypervisors.hosts)
    assert.matches("WARNING]: gone: ", warnings)
    assert.matches("WARNING]: far: ", warnings)
    assert.matches("WARNING]: host 3: 'nonsense' is no URI", warnings)
    assert.matches("WARNING]: host 4: the name is there already", warnings)
    local code, out, err = ansible:run("ansible-inventory --list -vvv -i " .. configured(hosts, "timeout: 3\nstrict: true"),
      "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true")
    assert.are_not.equal(0, code)
    assert.matches("host 3: 'nonsense' is no URI", (err:gsub("%s+", " ")))
    for _, text in ipairs({ require("dkjson").encode(said), warnings, out, err }) do
      assert.is_nil(text:find("hunter2", 1, true), text)
    end
  end)

  it_("takes the one that runs if several hosts have a guest", function()
    local hosts = ("- {name: one, uri: '%s'}\n- {name: two, uri: '%s'}"):format(node("one", { web = "" }), node("two", { web = "", one = "" }))
    local said, warnings = list(hosts)
    assert.equal("one", said._meta.hostvars.web.guestlua_host)
    assert.matches("several hosts have a guest web: one, two; here it is that of one", (warnings:gsub("%s+", " ")))
    assert.matches("two: the guest one is left out: a host has that name", (warnings:gsub("%s+", " ")))
    assert.is_nil(said._meta.hostvars.one.guestlua_name)
    local option = "-oProxyCommand=x" -- of ssh
    said = list(("- {name: odd, uri: '%s'}"):format(node("odd", { [option] = "" })))
    local name = said.guests.hosts[1]
    assert.same({ option, name }, { said._meta.hostvars[name].guestlua_name, said._meta.hostvars[name].guestlua_uuid })
    said, warnings = list(hosts, "inventory_hostname: qualified")
    assert.equal(3, #said.guests.hosts)
    assert.equal("web", said._meta.hostvars.two_web.guestlua_name)
    assert.is_nil(warnings:find("WARNING", 1, true))
  end)

  -- Ansible takes inventory_hostname for a template again where a template has it, and nothing can mark it. A guest that is called localhost would
  -- get what is meant for this machine.
  it_("calls no guest by a name that is a template, or something else already", function()
    local name = "{{ lookup('pipe', 'echo o''wned') }}"
    local guests = { [name] = "", ["{% x %}"] = "", ["{# x #}"] = TAGGED, localhost = "", all = "" }
    local inventory = configured(("- {name: odd, uri: '%s'}"):format(node("odd", guests)))
    local play = ansible:file("play.yml", [[
- hosts: guests
  gather_facts: false
  connection: local
  tasks:
    - debug: msg="name {{ inventory_hostname }} {{ guestlua_uuid }} {{ groups['guests'] | join(',') }}"
    - debug: var=guestlua_name
]])
    local code, out, err = ansible:run(("ansible-playbook -i %s %s"):format(inventory, play))
    assert.equal(0, code, out .. err)
    assert.is_nil(out:find("owned", 1, true), out)
    assert.matches("name (%x[%x-]+) %1 ", out)
    assert.is_truthy(out:find("{% x %}", 1, true), out) -- what it is called is still known
    for _, host in ipairs(ansible:json("ansible-inventory --list -i " .. inventory).guests.hosts) do
      assert.matches("^%x+%-%x+%-", host)
    end
  end)

  it_("reads the hosts of a file, and keeps what it found if that is asked for", function()
    local uri = node("late", { web = "" })
    ansible:file("hosts.txt", "late " .. uri .. "\n")
    local path = ansible:file("y.guestlua.yml", ("plugin: guestlua.guestlua.guests\nexecutable: %s\nhosts: hosts.txt\ncache: true\n"):format(
      support.interpreter()))
    local settings = ("ANSIBLE_CACHE_PLUGIN=jsonfile ANSIBLE_CACHE_PLUGIN_CONNECTION=%s/cache"):format(ansible.directory)
    assert.same({ "web" }, ansible:json("ansible-inventory --list -i " .. path, settings).guests.hosts)
    node("late", { db = "" })
    assert.same({ "web" }, ansible:json("ansible-inventory --list -i " .. path, settings).guests.hosts)
    assert.same({ "db" }, ansible:json("ansible-inventory --list -i " .. path).guests.hosts)
  end)

  it_("says what is wrong with its configuration", function()
    local function refusal(text)
      local _, _, err = ansible:run("ansible-inventory --list -i " .. ansible:file("z.guestlua.yml", "plugin: guestlua.guestlua.guests\n" .. text))
      return (err:gsub("%s+", " "))
    end
    assert.matches("hosts", refusal(""))
    assert.matches("cannot run /nowhere/guestlua: ", refusal("hosts: [test:///default]\nexecutable: /nowhere/guestlua"))
    assert.matches("string or list of values expected, got number", refusal(("hosts: 5\nexecutable: %s"):format(support.interpreter())))
  end)

  it_("asks a libvirtd", function()
    local dir = helper.scratch()
    os.remove(dir)
    local code, _, err = helper.run(("spec/support/daemon up %s $PPID"):format(dir))
    if code == 77 then
      return pending(err)
    end
    assert.equal(0, code, err)
    local down <close> = setmetatable({}, { __close = function() helper.run("spec/support/daemon down " .. dir) end }) -- luacheck: ignore
    local hosts = ("- {name: one, uri: 'test+unix:///default?socket=%s/libvirt-sock'}\n"
      .. "- {name: two, uri: 'qemu+unix:///system?socket=%s/libvirt-sock'}"):format(dir, dir)
    local said = list(hosts)
    assert.equal("192.168.122.3", said._meta.hostvars.test.ansible_host)
    assert.same({ "one", "two" }, said.hypervisors.hosts)
    assert.equal("one", said._meta.hostvars.test.guestlua_host)

    -- one that hangs
    assert.is_true(os.execute(("kill -STOP $(cat %s/libvirtd.pid)"):format(dir)))
    local warnings
    said, warnings = list(hosts .. "\n- test:///default", "timeout: 2")
    assert.equal("test:///default", said._meta.hostvars.test.guestlua_host)
    assert.matches("WARNING]: one: ", warnings)
    assert.matches("WARNING]: two: ", warnings)
  end)
end)
