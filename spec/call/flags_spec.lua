-- Each flag that the installed libvirt has for a call that is bound is an option of the method.

local guestlua = require("guestlua")
local helper = require("spec.support.helper")

local function read(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read("a")
end

-- The beginnings of the names of the flags, for each call that takes some. A call that is bound and has none is not here.
local FLAGS = {
  virConnectListAllDomains = "CONNECT_LIST_DOMAINS", virDomainDefineXMLFlags = "DOMAIN_DEFINE",
  virDomainCreateWithFlags = "DOMAIN_START", virDomainDestroyFlags = "DOMAIN_DESTROY", virDomainShutdownFlags = "DOMAIN_SHUTDOWN",
  virDomainManagedSave = "DOMAIN_SAVE", virDomainGetXMLDesc = "DOMAIN_XML", virDomainUndefineFlags = "DOMAIN_UNDEFINE",
  virDomainAttachDeviceFlags = "DOMAIN_AFFECT", virDomainSnapshotCreateXML = "DOMAIN_SNAPSHOT_CREATE",
  virDomainListAllSnapshots = "DOMAIN_SNAPSHOT_LIST", virDomainSetUserPassword = "DOMAIN_PASSWORD", virDomainSetTime = "DOMAIN_TIME",
  virDomainGetGuestInfo = "DOMAIN_GUEST_INFO", virDomainGetJobStats = "DOMAIN_JOB_STATS", virDomainAbortJobFlags = "DOMAIN_ABORT_JOB",
  virDomainMigrateToURI3 = "MIGRATE", virDomainBlockCommit = "DOMAIN_BLOCK_COMMIT", virDomainBlockRebase = "DOMAIN_BLOCK_REBASE",
  virDomainBlockCopy = "DOMAIN_BLOCK_COPY", virDomainBlockJobAbort = "DOMAIN_BLOCK_JOB_ABORT",
  virDomainGetBlockJobInfo = "DOMAIN_BLOCK_JOB_INFO", virDomainBlockResize = "DOMAIN_BLOCK_RESIZE",
}
-- Those that are no option, and why.
local NONE = {
  VIR_DOMAIN_AFFECT_CURRENT = "neither live nor persistent", VIR_DOMAIN_SHUTDOWN_DEFAULT = "no option", VIR_DOMAIN_DESTROY_DEFAULT = "no option",
  VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS = "of another call, virDomainSnapshotListAllChildren",
  VIR_DOMAIN_SHUTDOWN_UNKNOWN = "a reason", VIR_DOMAIN_SHUTDOWN_USER = "a reason", VIR_DOMAIN_SHUTDOWN_LAST = "a number",
  VIR_DOMAIN_SAVE_PARAM_FILE = "a parameter of another call", VIR_DOMAIN_SAVE_PARAM_DXML = "a parameter of another call",
  VIR_DOMAIN_SAVE_PARAM_IMAGE_FORMAT = "a parameter of another call", VIR_DOMAIN_SAVE_PARAM_PARALLEL_CHANNELS = "a parameter of another call",
  VIR_DOMAIN_SAVE_IMAGE_XML_SECURE = "of another call", VIR_MIGRATE_PARAM = "a parameter",
}

describe("Each flag of libvirt's", function()
  helper.leaves_nothing()

  local include = read("pkg-config --variable=includedir libvirt"):gsub("\n", "")
  local headers = read(("cat %s/libvirt/libvirt-domain.h %s/libvirt/libvirt-host.h %s/libvirt/libvirt-domain-snapshot.h"):format(include, include,
    include)):gsub("/%*.-%*/", "")
  local source = read("cat src/virt/*/*.c src/call/libvirt_names.c")

  for call, prefix in pairs(FLAGS) do
    it("for " .. call .. " is an option", function()
      assert.is_truthy(source:find(call, 1, true), call)
      local count = 0
      for name in headers:gmatch("\n%s*(VIR_" .. prefix .. "[%w_]*)%s*=") do
        if not NONE[name] and not name:find("_LAST$") then
          count = count + 1
          assert.is_truthy(source:find("%f[%w_]" .. name .. "%f[^%w_]"), name)
        end
      end
      assert.is_true(count > 0)
    end)
  end

  it("for virConnectOpenAuth is an option", function()
    for _, name in ipairs({ "VIR_CONNECT_RO", "VIR_CONNECT_NO_ALIASES" }) do
      assert.is_truthy(source:find("%f[%w_]" .. name .. "%f[^%w_]"), name)
    end
    local e = helper.failure(guestlua.open, "test:///default", { no_aliases = true, readonly = true }) -- a driver in this process knows no such flag
    assert.same({ "invalid_arg", true }, { e.kind, e.message:find("flags (0x2)", 1, true) ~= nil }, e.message)
  end)
end)
