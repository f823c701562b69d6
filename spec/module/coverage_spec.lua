-- Of each public function of the installed libvirt it is known whether a method calls it, and if none does, why. The tables are src/virt/calls.

local core = require("guestlua.core")
local objects = require("spec.support.objects")

-- The newest libvirt of which the functions were looked at. What is newer than this and of a new shape may be left out.
local KNOWN = { 12, 8 }

-- Calls that change nothing although they need a right to more than reading.
local NEEDS_MORE = {
  virConnectBaselineCPU = true, virConnectBaselineHypervisorCPU = true, virConnectCompareCPU = true, virConnectCompareHypervisorCPU = true,
  virConnectDomainXMLFromNative = true, virConnectDomainXMLToNative = true, virConnectFindStoragePoolSources = true,
  virConnectGetDomainCapabilities = true, virDomainAuthorizedSSHKeysGet = true, virDomainGetGuestInfo = true, virDomainGetGuestVcpus = true,
  virDomainGetHostname = true, virDomainGetTime = true, virDomainManagedSaveGetXMLDesc = true, virDomainSaveImageGetXMLDesc = true,
  virDomainMigrateGetCompressionCache = true, virDomainMigrateGetMaxDowntime = true, virDomainMigrateGetMaxSpeed = true,
}

local function is_newer(version)
  local major, minor = version:match("^(%d+)%.(%d+)")
  major, minor = tonumber(major), tonumber(minor)
  return major > KNOWN[1] or major == KNOWN[1] and minor > KNOWN[2]
end

-- "Guest.uuid" -> its row, of all that the core has.
local function members()
  local list = {}
  local documentation = core.documentation()
  for _, class in ipairs(documentation.classes) do
    for _, rows in ipairs({ class.methods, class.fields }) do
      for _, row in ipairs(rows) do
        assert.is_nil(list[class.name .. "." .. row.name], class.name .. "." .. row.name .. " is there twice")
        list[class.name .. "." .. row.name] = row
      end
    end
  end
  for _, row in ipairs(documentation.functions) do
    list["guestlua." .. row.name] = row
  end
  return list
end

-- What is said of each function: "generated", "hand", …
local function said()
  local list = {}
  local function say(name, what)
    assert.is_nil(list[name], name .. " is in two tables")
    list[name] = what
  end
  for _, one in ipairs((objects.tables())) do
    for name in pairs(one.rows) do
      say(name, "generated")
    end
    for _, key in ipairs({ "hand", "superseded", "missing" }) do
      for name in pairs(one[key] or {}) do
        say(name, key)
      end
    end
    for _, name in ipairs(one.infrastructure or {}) do
      say(name, "infrastructure")
    end
  end
  return list
end

describe("Of libvirt's functions", function()
  it("none is forgotten: a method calls it, or it is said why none does", function()
    local list, unknown, count = said(), {}, { generated = 0 }
    local calls = {}
    for _, row in pairs(members()) do
      calls[row.call or ""] = true
    end
    for _, fn in ipairs(objects.description.functions) do
      local what = list[fn.name]
      if not what and calls[fn.name] then
        what = "generated" -- one that is newer than the tables
      end
      if what == "generated" then
        assert.is_true(calls[fn.name], fn.name .. " has a row, and no method")
      end
      if what then
        count[what] = (count[what] or 0) + 1
      elseif not is_newer(fn.version) then
        unknown[#unknown + 1] = fn.name
      end
    end
    assert.same({}, unknown)
    assert.is_true(count.generated > 240, count.generated)
  end)

  it("those written by hand are where the table says", function()
    local list = members()
    for _, one in ipairs((objects.tables())) do
      for name, member in pairs(one.hand or {}) do
        assert.is_truthy(list[member] or member == "guestlua.version", name .. ": there is no " .. member)
      end
      for name, other in pairs(one.superseded or {}) do
        assert.is_truthy(said()[other], name .. " is superseded by " .. other)
      end
    end
  end)

  it("those that change nothing are called so that one sees it", function()
    local READS = { "^vir%a-Get%u", "Lookup", "List", "^vir%a-Is%u", "Has%u", "^virConnectBaseline", "^virConnectCompare", "^virConnectFind",
      "Stats", "^virConnectDomainXML", "KeysGet$", "Current$", "Peek$", "InterfaceAddresses$" }
    for name, row in pairs(objects.generated) do
      if row[1] == "look" or row[1] == "read" then
        local fn
        for _, one in ipairs((objects.tables())) do
          for libvirt, other in pairs(one.rows) do
            fn = other == row and libvirt or fn
          end
        end
        local found = false
        for _, pattern in ipairs(READS) do
          found = found or fn:find(pattern)
        end
        assert.is_truthy(found, name .. " is said to change nothing: " .. fn)
      end
    end
  end)

  -- Newer descriptions have libvirt's own rules of access. Who needs no more than a right to see and to read changes nothing, and the other way
  -- round, but for these: they need more as what they read is secret, comes from inside the guest, or is of a migration.
  it("those that need a right to more than reading change something, say libvirt's own rules", function()
    local READ = { getattr = true, read = true }
    local checked = 0
    for _, one in ipairs((objects.tables())) do
      for name, row in pairs(one.rows) do
        local fn = objects.description.functions[name]
        if fn and fn.rights then
          local reads = true
          for _, right in ipairs(fn.rights) do
            reads = reads and (READ[right] or right:find("^search%-") ~= nil) or false
          end
          checked = checked + 1
          local says = row[1] == "look" or row[1] == "read"
          assert.is_true(says == false or reads or NEEDS_MORE[name] or false, name .. " needs: " .. table.concat(fn.rights, " "))
        end
      end
    end
    if checked == 0 then
      pending("this libvirt's description has no rules of access")
    end
  end)

  it("the names that a Guest has itself and does not take from Domain are these", function()
    local clashes = {}
    for name in pairs(core.Domain) do
      if core.Guest[name] then
        clashes[#clashes + 1] = name
      end
    end
    table.sort(clashes)
    assert.equal("abort_job agent_set_response_timeout attach_device backup_begin create detach_device get_guest_info get_info get_job_info "
      .. "get_metadata get_vcpus get_xml_desc inject_nmi is_active pm_wakeup resume set_metadata set_user_password shutdown",
      table.concat(clashes, " "))
  end)
end)
