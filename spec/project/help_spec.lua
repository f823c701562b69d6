-- What help() and the reference say of the methods: in words of this project's own, with examples, and with links to libvirt's pages.

local core = require("guestlua.core")
local examples = require("guestlua.prompt.examples")
local guestlua = require("guestlua")
local help = require("guestlua.prompt.help")
local links = require("guestlua.prompt.links")
local objects = require("spec.support.objects")
local pages = require("guestlua.prompt.pages")

-- libvirt's functions: its text, the texts of its arguments, and the page that has it, by its name.
local function described()
  local functions = {}
  local pipe <close> = assert(io.popen("pkg-config --variable=libvirt_api libvirt; pkg-config --variable=libvirt_qemu_api libvirt-qemu"))
  for path in pipe:lines() do
    local file <close> = assert(io.open(path))
    for name, page, body in file:read("a"):gmatch("<function name='([^']*)' file='([^']*)'[^>]->(.-)</function>") do
      local texts = { body:match("<info>(.-)</info>") or "" }
      for info in body:gmatch("<arg [^>]-info='([^']*)'") do
        texts[#texts + 1] = info
      end
      for i, text in ipairs(texts) do
        texts[i] = text:gsub("%s+", " "):lower()
      end
      functions[name] = { texts = texts, page = page }
    end
  end
  return functions
end

-- Each row of the core that is a call of libvirt's: f(class, row).
local function each_call(f)
  for _, class in ipairs(core.documentation().classes) do
    for _, row in ipairs(class.methods) do
      if row.call then
        f(class, row)
      end
    end
  end
end

describe("The help of a call", function()
  local functions = described()
  local is_older = guestlua.version.libvirt_compiled:find("^9%.") ~= nil

  it("is one line of the tables, not libvirt's", function()
    local count = 0
    for name, row in pairs(objects.generated) do
      assert.is_truthy(row[2] and #row[2] > 10 and #row[2] <= 150 and not row[2]:find("\n"), name)
      count = count + 1
    end
    assert.is_true(count > 250, count)
    each_call(function(class, row)
      local fn = functions[row.call]
      local own = { row.help }
      for _, param in ipairs(row.params or {}) do
        local is_name = param.help:find("^VIR_") ~= nil -- a flag of a newer libvirt has nothing else
        own[#own + 1] = #param.help > 25 and not is_name and param.help or nil -- "the guest's name" is nobody's
        assert.is_false(is_older and is_name, ("%s.%s: %s"):format(class.name, row.name, param.help))
      end
      for _, text in ipairs(own) do
        for _, libvirts in ipairs(fn and fn.texts or {}) do
          assert.is_nil(libvirts:find(text:lower():gsub("%.$", ""), 1, true), ("%s.%s: %s"):format(class.name, row.name, text))
        end
      end
    end)
  end)

  it("ends with the link to libvirt's page of it", function()
    local count = 0
    each_call(function(class, row)
      local fn, link = functions[row.call], links.of(row.call)
      if fn and not fn.page:find("qemu") then -- of those there is no page
        assert.equal(("https://libvirt.org/html/libvirt-%s.html#%s"):format(fn.page, row.call), link)
        assert.is_truthy(pages.text(class.name .. "." .. row.name):find(link, 1, true), row.name)
        count = count + 1
      end
    end)
    assert.is_true(count > 250, count)
  end)
end)

describe("An example", function()
  -- What operators do most.
  local MOST = [[
    Guest.launch Guest.shutdown Guest.poweroff Domain.reboot Domain.reset Guest.get_state Guest.get_info Guest.pause Guest.resume
    Domain.get_autostart Domain.set_autostart Domain.set_vcpus Domain.set_memory Domain.pin Domain.rename Domain.save Host.restore Domain.screenshot
    Domain.interface_addresses Domain.update_device Guest.attach_device Guest.get_all_disks Domain.set_block_io_tune Domain.stats Host.stats
    Domain.snapshots Domain.snapshot_create_xml Snapshot.revert Snapshot.delete BlockDevice.commit BlockDevice.resize Guest.migrate
    Host.guests Host.capabilities Host.domain_capabilities Host.get_info Host.networks Network.create Network.leases Host.pools StoragePool.refresh
    StoragePool.volumes StoragePool.create_volume StorageVol.clone StorageVol.resize StorageVol.wipe StorageVol.upload StorageVol.download
    StorageVol.delete Host.node_devices Secret.set_value workflow.live_migrate workflow.ensure_running workflow.backup]]

  it("stands with each method that is used most, in help() and in the reference", function()
    local count = 0
    for owner, name in MOST:gmatch("(%w+)%.([%w_]+)") do
      local class = help.classes()[owner]
      local row = assert(help.member(class, name), name)
      local line, command = examples.of(class, row)
      assert.is_truthy(line, owner .. "." .. name)
      local text = ("As virsh's %s:\n  %s"):format(command, line)
      assert.is_truthy(pages.text(owner .. "." .. name):find(text, 1, true), name)
      local file <close> = assert(io.open(("doc/reference/%s.md"):format(owner)))
      assert.is_truthy(file:read("a"):find(("\nAs virsh's `%s`:\n\n    %s\n"):format(command, line), 1, true), name)
      count = count + 1
    end
    assert.is_true(count > 50, count)
  end)

  it("is what help says of a command of virsh", function()
    assert.matches("^virsh setvcpus\n  guest:set_vcpus%(2, ", pages.text("setvcpus"))
    for name, signature in pairs({ virDomainSetVcpusFlags = "Domain:set_vcpus", setVcpusFlags = "Domain:set_vcpus", lookupByName = "Host:guest",
      listAllDomains = "Host:guests", virNetworkUpdate = "Network:update" }) do
      assert.equal(signature, pages.text(name):match("^[^(]*"))
    end
    assert.matches("^Nothing about", pages.text("upByName"))
    assert.matches("^virsh cd\n  Nothing does the same: Lua has no current directory", pages.text("virsh cd"))
    assert.matches("\n\nvirsh reset\n  guest:reset%(%)", pages.text("reset"))
  end)
end)

describe("The search of help", function()
  it("shows the line that has the words", function()
    assert.matches('\n?  virsh change%-media: [^\n]*ejects it', pages.text("eject"))
    assert.matches('^  "Devices": A device of the host [^\n]*<hostdev>', pages.text("hostdev"))
    for line in pages.text("hot plug memory"):gmatch("[^\n]+") do
      assert.is_true(#line <= 80, line)
    end
  end)

  it("finds recipes, and shows one as it can be copied", function()
    assert.matches('\n?  recipe "From cron, with a lock and a log"', pages.text("cron"))
    local file <close> = assert(io.open("doc/cookbook.md"))
    local recipe = file:read("a"):match("\n## Clone a guest\n\n(.-)\n\n## ")
    assert.equal("Clone a guest\n\n" .. recipe, pages.text("clone a guest"):match("^(.-)\n\nSee also") or pages.text("clone a guest"))
    assert.matches("^The cookbook: .*\n  Clone a guest\n", pages.text("cookbook"))
  end)

  it("finds what has some of the words if nothing has all, and names that are near", function()
    assert.matches('^Nothing has all of these words%. With some of them:\n.*recipe "Remove snapshots', pages.text("rotate snapshots"))
    assert.equal("Nothing about 'lanch'; is launch meant? help() says what there is.", pages.text("lanch"))
    assert.is_nil(pages.find("xyzzy plugh"))
  end)

  it("has the parts of a long section apart", function()
    assert.matches("^Draining a host\n\n", pages.text("draining a host"))
    assert.matches('\nIts parts: "Draining a host"$', (pages.text("Migration"):match("^(.-)\n\nSee also:") or pages.text("Migration")))
  end)
end)
