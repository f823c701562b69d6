-- The Ansible collection, run by Ansible itself on this machine.

local helper = require("spec.support.helper")
local json = require("dkjson")
local support = require("spec.support.ansible")

describe("The Ansible collection", function()
  local ansible, directory
  setup(function()
    ansible = support.new()
    directory = ansible.directory
  end)
  teardown(function()
    os.execute("rm -rf " .. directory)
  end)

  local function it_(name, fn)
    it(name, function()
      if ansible.missing then
        pending(ansible.missing)
        return
      end
      fn()
    end)
  end

  -- Runs a module with arguments; gives what it said, and all that Ansible printed.
  local function module(name, arguments, options)
    arguments.executable = arguments.executable or support.interpreter()
    arguments.uri = arguments.uri or "test:///default"
    local _, out, err = ansible:run(("ansible localhost -c local -m guestlua.guestlua.%s %s -a %s"):format(name, options or "",
      helper.quoted(json.encode(arguments))))
    local object = out:match("=> (%b{})")
    return assert(object and json.decode(object), out .. err), out .. err
  end

  it_("says what a script changed and returned", function()
    local said = module("guestlua", { source = [[
      local host <close> = guestlua.open()
      host:guest("test"):suspend()
      return arg[1], #io.read("a")]], args = { "x" }, stdin = "yyy" })
    assert.same({ true, "x", 3 }, { said.changed, said.returned[1], said.returned[2] })
    assert.equal("virDomainSuspend", said.calls[1].call)
    said = module("guestlua", { source = "return 1" })
    assert.is_false(said.changed)
  end)

  it_("changes nothing in check mode, and has the plan", function()
    local said = module("guestlua", { source = "local host <close> = guestlua.open() host:guest('test'):suspend()" }, "--check")
    assert.same({ true, "virDomainSuspend", "held" }, { said.changed, said.plan[1].call, said.plan[1].outcome })
  end)

  it_("fails with the fields of the Error", function()
    local said, all = module("guestlua", { source = "guestlua.open():guest('nobody', { required = true })" })
    assert.same({ "no_domain", "guest" }, { said.error.kind, said.error.op })
    assert.matches("FAILED", all)
    assert.matches("nobody", said.msg)
  end)

  it_("says what was recovered before a script that is killed at once", function()
    local path = ansible:file("killed", ([[#!/bin/sh
case "$*" in *recover) exec %s "$@" ;; esac
kill -KILL $$
]]):format(support.interpreter()))
    assert.is_true(os.execute("chmod +x " .. path))
    local said = module("guestlua", { source = "return 1", recover = true, executable = path })
    assert.same({ {}, false, -9 }, { said.recovered, said.changed, said.rc })
  end)

  it_("answers wrong arguments in its own words", function()
    for _, case in ipairs({
      { "guest", { name = "nobody", state = "running" }, "^guest: there is no guest 'nobody'" }, -- no line of a script that nobody wrote
      { "guestlua", { source = "retrn 1" }, "^line 1: syntax error" },
      { "guestlua", { source = "return 1", timeout = -1 }, "^timeout: seconds expected, more than 0, got %-1" },
    }) do
      local said, all = module(case[1], case[2])
      assert.matches("FAILED", all)
      assert.matches(case[3], said.msg)
    end
  end)

  -- In a variable, as a vault has it: Ansible 2.19 shows the text of a task that fails, with what is written there.
  it_("shows no secret", function()
    local said, all = module("guestlua", { source = "error('it was ' .. io.read('a'))", stdin = "{{ secret }}" }, "-vvv -e secret=hunter2hunter2")
    assert.matches("it was %*%*%*", said.msg)
    assert.equal("script", said.error.kind)
    assert.is_nil(all:find("hunter2hunter2", 1, true))
  end)

  it_("takes back what was begun when the time is over", function()
    local mark = directory .. "/undone"
    local said = module("guestlua", { source = ([[
      local undo <close> = setmetatable({}, { __close = function() io.open(%q, "w"):close() end })
      guestlua.sleep(3600)]]):format(mark), timeout = 3 })
    assert.equal("interrupted", said.error.kind)
    assert(io.open(mark)):close()
  end)

  it_("has a guest be as it is to be", function()
    local said = module("guest", { name = "test", state = "running" })
    assert.is_false(said.changed)
    local all
    said, all = module("guest", { name = "test", state = "stopped", options = { force = true, timeout = 0 } }, "--diff")
    assert.is_true(said.changed)
    assert.equal("ensure_stopped", said.workflow.workflow)
    assert.matches("\n%-<domain type='test' id=", all)
    assert.matches("\n%+<domain type='test'>", all)
    said = module("guest", { name = "test", state = "stopped", options = { force = true, timeout = 0 } }, "--check")
    assert.is_true(said.changed)
    assert.is_true(#said.plan > 0)
    said = module("guest", { name = "test", state = "stopped", options = { nonsense = true } })
    assert.equal("bad_argument", said.error.kind)
  end)

  it_("runs a workflow", function()
    local said, all = module("guestlua", { workflow = "ensure_stopped", guest = "test", options = { force = true, timeout = 0 } }, "--diff")
    assert.same({ true, "ensure_stopped" }, { said.changed, said.workflow.workflow })
    assert.matches("\n%+<domain type='test'>", all)
    said = module("guestlua", { workflow = "detach_with_retry", guest = "test", args = { "vdz" } })
    assert.same({ "detach_with_retry", "vdz" }, { said.error.op or said.error.workflow, said.error.text:match("vdz") })
    said = module("guestlua", { workflow = "nonsense", guest = "test" })
    assert.matches("^bad argument 'nonsense' to 'guestlua.workflow'", said.msg)
    said = module("guestlua", { workflow = "reboot", guest = "nobody" })
    assert.equal("no_domain", said.error.kind)
    said = module("guestlua", { workflow = "prune", args = { directory .. "/nothing" }, options = { keep = { full = 1 } } }) -- it is for a host
    assert.equal("no_backup", said.error.kind)
    assert.matches("mutually exclusive", module("guestlua", { workflow = "reboot", source = "return 1" }).msg)
    assert.matches("workflow", module("guestlua", { source = "return 1", guest = "test" }).msg)
  end)

  it_("says what guests there are", function()
    local said = module("guest_info", {})
    assert.same({ true, "running", false }, { said.guests.test.active, said.guests.test.state, said.changed })
    assert.equal(1, said.guests.test.stats.state.state)
    assert.equal("no_domain", module("guest_info", { names = { "nobody" } }).error.kind)
  end)

  it_("has playbooks that Ansible understands", function()
    for _, name in ipairs({ "rolling_reboot", "rolling_backup", "drain", "upgrade" }) do
      local code, _, err = ansible:run(("ansible-playbook --syntax-check -i localhost, -e target=localhost "
        .. "packaging/ansible/guestlua/guestlua/playbooks/%s.yml"):format(name))
      assert.equal(0, code, err)
    end
  end)

  it_("saves the other guests if one cannot be saved, and names those that were not", function()
    local guest = "<domain type='test'><name>%s</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    local path = ansible:file("two.xml", ("<node>%s%s</node>"):format(guest:format("first"), guest:format("second")))
    assert.is_true(os.execute(("ln -sf %s %s/guestlua"):format(support.interpreter(), directory)))
    local code, out, err = ansible:run(("ansible-playbook -c local -i localhost, -e target=localhost -e ansible_become=false -e backups=%s/backups "
      .. "packaging/ansible/guestlua/guestlua/playbooks/rolling_backup.yml"):format(directory),
      ("PATH=%s:$PATH LIBVIRT_DEFAULT_URI=test://%s"):format(ansible.directory, path))
    assert.equal(2, code, out .. err)
    assert.matches("guest 'first': the guest has no disk to back up", out, 1, true)
    assert.matches("guest 'second': the guest has no disk to back up", out, 1, true)
  end)

  it_("drains no host if the other one has no room", function()
    local path = ansible:file("big.xml", "<node><domain type='test'><name>big</name><memory unit='TiB'>4</memory><os><type>hvm</type></os></domain>"
      .. "</node>")
    assert.is_true(os.execute(("ln -sf %s %s/guestlua"):format(support.interpreter(), directory)))
    local function drain(options, more)
      local given = { options = options, to = { { uri = "test:///default", destination_uri = "test+tcp://other/default" } } }
      return ansible:run(("ansible-playbook -c local -i localhost, -e target=localhost -e ansible_become=false -e %s "
        .. "packaging/ansible/guestlua/guestlua/playbooks/drain.yml %s"):format(helper.quoted(json.encode(given)), more or ""),
        ("PATH=%s:$PATH LIBVIRT_DEFAULT_URI=test://%s"):format(directory, path))
    end
    local code, out, err = drain()
    assert.equal(2, code, out .. err)
    assert.matches("1 guest cannot move, and none was moved: 'big': test:///default: it has 0 MiB of memory left, and the guest has 4194304", out,
      1, true)
    code, out, err = drain({ on_stuck = "leave" })
    assert.equal(2, code, out .. err)
    assert.matches("The host still has guests: big %(test:///default: it has 0 MiB of memory left, and the guest has 4194304%)", out)
    code, out, err = drain({ reserve = -8 << 20 }, "--check")
    assert.equal(0, code, out .. err)
    assert.matches("big would go to test:///default", out, 1, true)
  end)
end)
