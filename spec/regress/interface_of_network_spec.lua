-- An interface of a network is the same device when libvirt shows what it became.
--
-- Seen: <interface type='network'>, the commonest there is, is a bridge in the running guest, or has a bridge and a port's number in its <source>.
-- It was looked for by comparing XML: attach_with_retry said "libvirt took the device, and the guest does not have it", undid nothing, and
-- ensure_detached left it. A MAC address in upper case, or none, did the same.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local tiny = require("spec.support.tiny")

local workflow = guestlua.workflow

local NETWORKS = {
  bridged = "<network><name>bridged</name><forward mode='bridge'/><bridge name='br0'/></network>",
  isolated = "<network><name>isolated</name><bridge name='virbr7' stp='on'/></network>",
}
-- As it is written, and what else means the same.
local FORMS = {
  { "<mac address='52:54:00:00:00:0a'/>", "<mac address='52:54:00:00:00:0A'/>", "<mac address='52:54:0:0:0:a'/>" },
  { "<mac address='52:54:00:AB:CD:EF'/>", "<mac address='52:54:00:ab:cd:ef'/>" },
  { "" },
  { "<mac address='52:54:00:00:00:0b'/><alias name='ua-nic'/>", "<alias name='ua-nic'/>" },
}

-- A libvirtd with networks, in a network namespace of its own: nothing of the machine's is touched. Where its host is; nil and why not.
local function up(dir)
  local uri = ("qemu+unix:///system?socket=%s/libvirt-sock"):format(dir)
  local commands = { "ip link set lo up", "ip link add br0 type bridge", "ip link set br0 up", ("spec/support/daemon up %s $0"):format(dir) }
  for name, xml in pairs(NETWORKS) do
    commands[#commands + 1] = ("echo \"%s\" >%s/%s.xml && virsh -q -c \"%s\" net-create %s/%s.xml"):format(xml, dir, name, uri, dir, name)
  end
  local code, out, err = helper.run(("unshare -n bash -c '%s' $PPID"):format(table.concat(commands, " && "):gsub("'", "'\\''")))
  if code ~= 0 then
    os.execute(("spec/support/daemon down %s 2>/dev/null"):format(dir))
    return nil, err .. out
  end
  return uri
end

describe("An interface of a network", function()
  local dir, host, guest, why
  helper.leaves_nothing()

  lazy_setup(function()
    if core.user() ~= 0 then
      why = "needs root, to make namespaces"
      return
    end
    dir = os.tmpname()
    os.remove(dir)
    local uri
    uri, why = up(dir)
    if not uri then
      return
    end
    why = nil
    assert(os.execute(("mkdir %s/vm && cp build/tiny/* %s/vm"):format(dir, dir)))
    guestlua.journal({ dir = dir .. "/journal" })
    host = guestlua.open(uri)
    guest = guestlua.Guest.create(tiny.configuration("net", dir .. "/vm"), host)
    guest:launch()
    guestlua.await_agent(guest, { timeout = tiny.TIMEOUT })
  end)
  lazy_teardown(function()
    if host then
      guest:delete_configuration()
      guest:poweroff()
      guest:close()
      host:close()
    end
    if dir then
      os.execute(("spec/support/daemon down %s 2>/dev/null"):format(dir))
    end
  end)

  local function count()
    return { #guest:get_all_devices("interface"), #guest:get_all_devices("interface", { from_persistent_config = true }) }
  end

  local function nic(network, form)
    return ("<interface type='network'>%s<source network='%s'/><model type='virtio'/></interface>"):format(form, network)
  end

  for network in pairs(NETWORKS) do
    for _, forms in ipairs(FORMS) do
      it(("is found and detached however it is shown: %s %s"):format(network, forms[1]), function()
        if why then
          pending(why)
          return
        end
        local written = nic(network, forms[1])
        local shown = { false, true } -- of the running guest, of the configuration
        for i = 1, math.max(#forms, 1) do
          shown[#shown + 1] = nic(network, forms[i])
        end
        for _, place in ipairs({ { true, true }, { true, false }, { false, true } }) do
          for _, form in ipairs(shown) do
            local live, stored = place[1], place[2]
            workflow.attach_with_retry(guest, written, { live = live, persistent = stored, attempts = 1 })
            local there = { live and 1 or 0, stored and 1 or 0 }
            assert.same(there, count())
            local wanted = form
            if type(form) == "boolean" then
              wanted = guest:get_all_devices("interface", { from_persistent_config = form })[1]
                or guest:get_all_devices("interface", { from_persistent_config = not form })[1]
            end
            local text = tostring(wanted)
            if live and stored then
              assert.is_false(workflow.ensure_attached(guest, wanted).changed, text)
              assert.equal(tostring(guest:get_all_devices("interface")[1].mac),
                tostring(guest:get_all_devices("interface", { from_persistent_config = true })[1].mac))
            end
            assert.is_truthy(guest:get_interface_by_cfg(wanted, { from_persistent_config = not live }), text)
            assert.is_true(workflow.ensure_detached(guest, wanted).changed, text)
            assert.same({ 0, 0 }, count())
            assert.is_false(workflow.ensure_detached(guest, wanted).changed, text)
          end
        end
      end)
    end
  end

  -- Seen: ensure_detached(guest, "vnet0") said that the guest did not have it, and it had.
  it("is known by its name on the host, too", function()
    if why then
      pending(why)
      return
    end
    for network in pairs(NETWORKS) do
      workflow.attach_with_retry(guest, nic(network, ""))
      local name = guest:get_interfaces()[1]
      assert.matches("^vnet%d+$", name)
      assert.is_true(workflow.ensure_detached(guest, name).changed)
      assert.same({ 0, 0 }, count())
      assert.is_false(workflow.ensure_detached(guest, name).changed)
    end
  end)

  it("is another one on another network, and one of two that share a MAC address", function()
    if why then
      pending(why)
      return
    end
    local one, other = nic("bridged", FORMS[1][1]), nic("isolated", FORMS[1][1])
    workflow.attach_with_retry(guest, one)
    assert.is_false(workflow.ensure_detached(guest, other).changed)
    workflow.attach_with_retry(guest, other)
    assert.same({ 2, 2 }, count())
    workflow.detach_with_retry(guest, one)
    assert.same({ 1, 1 }, count())
    assert.equal("isolated", guest:get_all_devices("interface")[1].source.network)
    workflow.detach_with_retry(guest, other)
    assert.same({ 0, 0 }, count())
  end)
end)
