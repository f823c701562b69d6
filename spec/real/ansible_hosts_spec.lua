-- The Ansible collection on four hosts, each with an sshd, a libvirtd and a tiny guest of its own: see spec/support/ssh-hosts.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local json = require("dkjson")
local ssh_hosts = require("spec.support.ssh_hosts")
local support = require("spec.support.ansible")

local NAMES = { "a", "b", "c", "d" }

-- Over few SSH sessions; what Ansible runs is copied first otherwise, in some more.
local PIPED = "ANSIBLE_PIPELINING=True"

describe("The Ansible collection, on four hosts", function()
  local ansible, hosts, missing, inventory
  local playbooks = "packaging/ansible/guestlua/guestlua/playbooks/"
  helper.leaves_nothing()

  lazy_setup(function()
    ansible = support.new()
    missing = ansible.missing
    if not missing then
      hosts, missing = ssh_hosts.up(NAMES, support.interpreter())
    end
    if missing then
      return
    end
    ansible.prefix = hosts.hub
    assert(os.execute(("mkdir %s/inventory"):format(ansible.directory)))
    local lines = { "[hypervisors]" }
    local uris = {}
    for i, name in ipairs(NAMES) do
      local state = ("%s/state/%s"):format(hosts.dir, name)
      lines[#lines + 1] = ("%s ansible_host=192.0.2.%d ansible_remote_tmp=%s/tmp ansible_async_dir=%s/async"):format(name, i, state, state)
      uris[i] = ("- {name: %s, uri: 'qemu+ssh://root@192.0.2.%d/system?command=%s/ssh'}"):format(name, i, ansible.directory)
    end
    inventory = ansible:file("inventory/hosts", ("%s\n[hypervisors:vars]\nansible_user=root\nansible_ssh_args=%s\n"
      .. "ansible_python_interpreter=/usr/bin/python3\nansible_become_method=su\n"):format(table.concat(lines, "\n"), hosts.ssh))
    ansible:file("inventory/all.guestlua.yml", ("plugin: guestlua.guestlua.guests\nexecutable: %s\ntimeout: 15\nhosts:\n%s\n"):format(
      support.interpreter(), table.concat(uris, "\n")))
    assert(os.execute(("chmod +x %s"):format(ansible:file("ssh", ("#!/bin/sh\nexec ssh %s \"$@\"\n"):format(hosts.ssh)))))
    for _, name in ipairs(NAMES) do
      hosts:boot(name, "guest-" .. name, name == "a" and function(domain)
        domain.devices.interface = { type = "user", mac = { address = "52:54:00:00:00:01" }, model = { type = "virtio" } }
      end)
    end
  end)

  lazy_teardown(function()
    if hosts then
      hosts:__close()
    end
    os.execute("rm -rf " .. ansible.directory)
  end)

  local function it_(name, fn)
    it(name, function()
      if missing then
        return pending(missing)
      end
      fn()
    end)
  end

  local function on(name, fn)
    local host <close> = hosts:open(name)
    local guest <close> = host:guest("guest-" .. name, { required = true })
    return fn(guest)
  end

  -- What its system calls this boot of it.
  local function booted(name)
    return on(name, function(guest)
      guestlua.await_agent(guest, { timeout = 120 })
      local _, out = guest:exec("/bin/cat", { args = { "/proc/sys/kernel/random/boot_id" } })
      return out
    end)
  end

  local function all_booted()
    local found = {}
    for _, name in ipairs(NAMES) do
      found[name] = booted(name)
    end
    return found
  end

  -- Of each host in what ansible-playbook printed in the end: ok, changed, unreachable, failed …
  local function recap(out)
    local found = {}
    for name, counts in out:match("PLAY RECAP.*"):gmatch("\n(%S+)%s*: ([^\n]*)") do
      found[name] = {}
      for what, count in counts:gmatch("(%w+)=(%d+)") do
        found[name][what] = tonumber(count)
      end
    end
    return found
  end

  local function playbook(name, options)
    return ("env " .. PIPED .. " ansible-playbook -i %s/inventory %s %s"):format(ansible.directory, options or "", name)
  end

  it_("has them and their guests in the inventory", function()
    on("a", function(guest)
      guest:exec("/bin/sh", { args = { "-c", "ip address add 198.51.100.7/24 dev eth0 && ip link set eth0 up" } })
    end)
    local said = ansible:json(("ansible-inventory --list -i %s/inventory"):format(ansible.directory))
    local of = said._meta.hostvars
    assert.same(NAMES, said.hypervisors.hosts)
    assert.equal(4, #said.guests.hosts)
    assert.same({ "guest-c" }, said.host_c.hosts)
    assert.same({ "198.51.100.7", "agent" }, { of["guest-a"].ansible_host, of["guest-a"].guestlua_addresses[1].source })
    assert.equal("192.0.2.2", of.b.ansible_host)
  end)

  it_("reboots host by host, ends when one is gone, and goes on after recover", function()
    local before = all_booted()
    on("b", function(guest) -- which takes its time, so that it is killed in the middle
      guest:exec("/bin/sh", { args = { "-c", "printf '#!/bin/sh\\nsleep 20; poweroff -f\\n' >/etc/acpi/PWRF/00000080" } })
    end)
    local play = ansible:spawn(playbook(playbooks .. "rolling_reboot.yml"))
    helper.await(function()
      local _, found = guestlua.run("find", { args = { hosts.dir .. "/state/b", "-path", "*/journal/*.json" } })
      return found ~= "" or play:status() ~= "running"
    end, "host b begins")
    hosts:run("kill", "b")
    local code, out, err = play:wait()
    assert.are_not.equal(0, code, out .. err)
    local counts = recap(out)
    assert.is_truthy(counts.b, out .. err)
    assert.same({ 1, 0, 1 }, { counts.a.changed, counts.a.failed, counts.b.unreachable + counts.b.failed }, out)
    assert.is_nil(counts.c)
    local after = { a = booted("a"), c = booted("c"), d = booted("d") }
    assert.are_not.equal(before.a, after.a)
    assert.same({ before.c, before.d }, { after.c, after.d })

    -- the inventory names it, and has the others
    local said, warnings = ansible:json(("ansible-inventory --list -i %s/inventory"):format(ansible.directory))
    assert.equal(3, #said.guests.hosts)
    assert.matches("WARNING]: b: ", warnings)

    hosts:run("start", "b")
    hosts:define("b", "guest-b")
    code, out, err = ansible:run(playbook(playbooks .. "rolling_reboot.yml", "-v"))
    assert.equal(0, code, out .. err)
    assert.matches("the guest was started again", out)
    counts = recap(out)
    for _, name in ipairs(NAMES) do
      assert.same({ 0, 0 }, { counts[name].failed, counts[name].unreachable }, out)
    end
    local last = all_booted()
    for _, name in ipairs(NAMES) do
      assert.are_not.equal(after[name], last[name])
    end
  end)

  it_("goes by serial and max_fail_percentage", function()
    local path = ansible:file("some.yml", [[
- hosts: hypervisors
  gather_facts: false
  serial: 2
  max_fail_percentage: "{{ failures }}"
  tasks:
    - guestlua.guestlua.guestlua:
        source: |
          local host <close> = guestlua.open()
          return host.hostname ~= "b" or error("not here", 0)
]])
    local _, out = ansible:run(playbook(path, "-e failures=49"))
    local counts = recap(out)
    assert.same({ 1, 1, nil, nil }, { counts.a.ok, counts.b.failed, counts.c, counts.d }, out)
    _, out = ansible:run(playbook(path, "-e failures=50"))
    counts = recap(out)
    assert.same({ 1, 1, 1, 1 }, { counts.a.ok, counts.b.failed, counts.c.ok, counts.d.ok }, out)
  end)

  local function adhoc(name, module, arguments, options)
    return ("ansible -i %s %s -m guestlua.guestlua.%s %s -a %s"):format(inventory, name, module, options or "", helper.quoted(json.encode(arguments)))
  end

  -- What a module said, and all that Ansible printed.
  local function said(_, out, err)
    local object = out:match("=> (%b{})")
    return assert(object and json.decode(object), out .. err), out
  end

  it_("has check mode and diff mode", function()
    local wanted = { name = "guest-d", state = "stopped", options = { force = true, timeout = 0 } }
    local answer = said(ansible:run(adhoc("d", "guest", wanted, "--check --diff"), PIPED))
    assert.same({ true, "virDomainDestroy" }, { answer.changed, answer.plan[1].call })
    local function is_active()
      return on("d", function(guest)
        return guest:is_active()
      end)
    end
    assert.is_true(is_active())
    local all
    answer, all = said(ansible:run(adhoc("d", "guest", wanted, "--diff --become")))
    assert.is_true(answer.changed)
    assert.is_false(is_active())
    assert.matches("\n%-<domain type='qemu' id=", all)
    assert.matches("\n%+<domain type='qemu'>", all)
    wanted = { name = "guest-d", state = "running" }
    assert.is_true(said(ansible:run(adhoc("d", "guest", wanted), PIPED)).changed)
    assert.is_false(said(ansible:run(adhoc("d", "guest", wanted), PIPED)).changed)
  end)

  it_("runs in the background", function()
    local answer = said(ansible:run(adhoc("a", "guestlua", { source = "guestlua.sleep(2) return 7" }, "-B 60 -P 1")))
    assert.equal(7, answer.returned[1])
    assert.is_true(answer.finished == 1 or answer.finished == true) -- as the version has it
  end)

  -- A script that goes on for long, takes its time to undo what it did, and says which process started it, and which one has its SSH session.
  local function long(what)
    return ([[
      local function parent(pid)
        local file <close> = io.open("/proc/" .. pid .. "/stat")
        local name, up = file:read("a"):match("%%((.-)%%) %%S (%%d+)")
        return name, up
      end
      local function write(name, text)
        local file <close> = io.open(name .. ".new", "w")
        file:write(text)
        os.rename(name .. ".new", name)
      end
      local undo <close> = setmetatable({}, { __close = function()
        guestlua.sleep(1)
        write(%q, "")
      end })
      local _, started = parent("self")
      local session = started
      local name, up = parent(session)
      while not name:find("^sshd") do -- newer ones are called sshd-session
        session = up
        name, up = parent(session)
      end
      write(%q, started .. " " .. session)
      guestlua.sleep(600)]]):format(what .. ".undone", what)
  end

  -- Starts it on host a, sends the signal to one of the two, and waits for the undo; gives the task.
  local function stopped(what, which, signal, settings)
    local path = hosts.dir .. "/state/" .. what
    local run = ansible:spawn(adhoc("a", "guestlua", { source = long(path) }), settings)
    local function text(name)
      local file <close> = io.open(name)
      return file and file:read("a")
    end
    local started, session = helper.await(function()
      assert.equal("running", run:status())
      return text(path)
    end, "the script to begin"):match("(%d+) (%d+)")
    hosts:run("in", "a", "kill", "-" .. signal, which == "session" and session or started)
    helper.await(function()
      return text(path .. ".undone")
    end, "the script to take back what it did", 60)
    return run
  end

  it_("takes back what was begun when the module has to end", function()
    local answer = said(stopped("terminated", "module", "TERM"):wait())
    assert.equal("interrupted", answer.error.kind)
    stopped("killed", "module", "KILL"):wait()
  end)

  it_("takes back what was begun when the SSH session is lost", function()
    local _, out, err = stopped("lost", "session", "KILL"):wait()
    assert.matches("UNREACHABLE", out .. err)
    stopped("piped", "session", "KILL", PIPED):wait()
  end)

  it_("saves what runs", function()
    local options = ("-e target=c,d -e backups=%s/state/backups-{{inventory_hostname}}"):format(hosts.dir)
    local code, out, err = ansible:run(playbook(playbooks .. "rolling_backup.yml", options))
    assert.equal(0, code, out .. err)
    for _, name in ipairs({ "c", "d" }) do
      assert.equal(1, #guestlua.workflow.backups(("%s/state/backups-%s/guest-%s"):format(hosts.dir, name, name)))
    end
  end)

  it_("upgrades on a snapshot, and puts back what went wrong", function()
    local function version(name)
      return on(name, function(guest)
        guestlua.await_agent(guest, { timeout = 120 })
        local _, out = guest:exec("/bin/cat", { args = { "/data/version" } })
        assert.same({}, guest:get_snapshot_names())
        return out
      end)
    end
    local function upgrade(target, check, more)
      local options = ("-e target=%s -e check=%s -e '{\"upgrade\": \"echo new >/data/version; sync\"}' %s"):format(target, check,
        more or "")
      local code, out, err = ansible:run(playbook(playbooks .. "upgrade.yml", options))
      return code, recap(out), out .. err
    end
    local code, counts, all = upgrade("guest-d", "true", "--check")
    assert.same({ 0, 2 }, { code, counts["guest-d"].changed }, all)
    assert.equal("", version("d"))
    code, counts, all = upgrade("guest-d,guest-c", "false")
    assert.are_not.equal(0, code, all)
    assert.same({ 1, 1, nil }, { counts["guest-d"].failed, counts["guest-d"].rescued, counts["guest-c"] }, all)
    assert.matches("guest%-d was put back: ", all)
    assert.equal("", version("d"))
    code, counts, all = upgrade("guest-c", "true")
    assert.same({ 0, 0 }, { code, counts["guest-c"].failed }, all)
    assert.equal("new\n", version("c"))
    -- an earlier snapshot is of any age, and not what is gone back to
    on("c", function(guest)
      guest:snapshot("<domainsnapshot><name>before-upgrade</name></domainsnapshot>", { disk_only = true })
    end)
    code, counts, all = upgrade("guest-c", "false")
    assert.are_not.equal(0, code, all)
    assert.same({ 1, 0 }, { counts["guest-c"].failed, counts["guest-c"].rescued }, all)
    assert.matches("a snapshot before-upgrade of an earlier play", all, 1, true)
    on("c", function(guest)
      assert.same({ "before-upgrade" }, guest:get_snapshot_names())
      guestlua.workflow.snapshot_delete(guest, { name = "before-upgrade" })
    end)
    assert.equal("new\n", version("c"))
  end)

  it_("drains a host", function()
    local function drain(options, more)
      local given = { options = options, to = { { uri = "qemu+tcp://192.0.2.2/system", migrate_uri = "tcp://192.0.2.2" } } }
      options.unsafe = true -- libvirt cannot know that both hosts have the disk
      local code, out, err = ansible:run(playbook(playbooks .. "drain.yml", ("-e target=a -e %s %s"):format(helper.quoted(json.encode(given)),
        more or "")))
      return code, out .. err
    end
    local a <close> = hosts:open("a")
    local b <close> = hosts:open("b")
    local code, all = drain({}, "--check")
    assert.equal(0, code, all)
    assert.matches("guest-a would go to qemu+tcp://192.0.2.2/system", all, 1, true)
    code, all = drain({ on_stuck = "leave", reserve = 1 << 30 })
    assert.equal(2, code, all)
    assert.matches("The host still has guests: guest%-a %(%S+ it has 0 MiB of memory left", all)
    assert.equal(1, #a:guests({ active = true }))
    code, all = drain({})
    assert.equal(0, code, all)
    assert.equal(0, #a:guests())
    local guest <close> = b:guest("guest-a", { required = true })
    assert.is_true(guest:is_active())
    code, all = drain({}) -- there is nothing to do
    assert.equal(0, code, all)
    assert.same({ 0, 0 }, { recap(all).a.changed, recap(all).a.failed })
  end)
end)
