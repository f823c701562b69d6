-- What libvirt's names are called in Lua.

local names = {}

-- "virDomainGetXMLDesc" without its prefix -> "get_xml_desc"
function names.snake(name)
  name = name:gsub("IOThread", "Iothread"):gsub("NWFilter", "Nwfilter"):gsub("UUIDs", "Uuids"):gsub("CPUs", "Cpus"):gsub("IDs", "Ids")
  return (name:gsub("(%u)(%u%l)", "%1_%2"):gsub("([%l%d])(%u)", "%1_%2"):lower())
end

-- What the constants of an enumeration begin with, where that does not follow from its name.
local PREFIX = {
  virConnectGetAllDomainStatsFlags = "VIR_CONNECT_GET_ALL_DOMAINS_STATS_", virConnectListAllDomainsFlags = "VIR_CONNECT_LIST_DOMAINS_",
  virConnectListAllInterfacesFlags = "VIR_CONNECT_LIST_INTERFACES_", virConnectListAllNetworksFlags = "VIR_CONNECT_LIST_NETWORKS_",
  virConnectListAllNodeDeviceFlags = "VIR_CONNECT_LIST_NODE_DEVICES_", virConnectListAllSecretsFlags = "VIR_CONNECT_LIST_SECRETS_",
  virConnectListAllStoragePoolsFlags = "VIR_CONNECT_LIST_STORAGE_POOLS_", virDomainBlockJobSetSpeedFlags = "VIR_DOMAIN_BLOCK_JOB_SPEED_",
  virDomainCoreDumpFlags = "VIR_DUMP_", virDomainCreateFlags = "VIR_DOMAIN_START_", virDomainDirtyRateCalcFlags = "VIR_DOMAIN_DIRTYRATE_MODE_",
  virDomainGetJobStatsFlags = "VIR_DOMAIN_JOB_STATS_", virDomainGuestInfoTypes = "VIR_DOMAIN_GUEST_INFO_", virDomainJobType = "VIR_DOMAIN_JOB_",
  virDomainMemoryFlags = "VIR_MEMORY_", virDomainMemoryModFlags = "VIR_DOMAIN_MEM_", virDomainMessageType = "VIR_DOMAIN_MESSAGE_",
  virDomainMetadataType = "VIR_DOMAIN_METADATA_", virDomainMigrateFlags = "VIR_MIGRATE_", virDomainModificationImpact = "VIR_DOMAIN_AFFECT_",
  virDomainSaveRestoreFlags = "VIR_DOMAIN_SAVE_", virDomainSetTimeFlags = "VIR_DOMAIN_TIME_", virDomainState = "VIR_DOMAIN_",
  virDomainSetUserPasswordFlags = "VIR_DOMAIN_PASSWORD_", virNWFilterBindingCreateFlags = "VIR_NWFILTER_BINDING_CREATE_",
  virNWFilterDefineFlags = "VIR_NWFILTER_DEFINE_", virNetworkUpdateFlags = "VIR_NETWORK_UPDATE_AFFECT_",
  virNetworkUpdateSection = "VIR_NETWORK_SECTION_", virStorageVolInfoFlags = "VIR_STORAGE_VOL_",
  virStorageVolWipeAlgorithm = "VIR_STORAGE_VOL_WIPE_ALG_", virStoragePoolState = "VIR_STORAGE_POOL_", virStorageVolType = "VIR_STORAGE_VOL_",
  virCPUCompareResult = "VIR_CPU_COMPARE_", virDomainBlockJobType = "VIR_DOMAIN_BLOCK_JOB_TYPE_", virNetworkMetadataType = "VIR_NETWORK_METADATA_",
  virDomainMemoryStatTags = "VIR_DOMAIN_MEMORY_STAT_", virDomainInterfaceAddressesSource = "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_",
  virDomainStatsTypes = "VIR_DOMAIN_STATS_", virSecretUsageType = "VIR_SECRET_USAGE_TYPE_", virDomainControlState = "VIR_DOMAIN_CONTROL_",
}

local function derived(enum)
  local words = enum:gsub("^vir", ""):gsub("FlagsValues$", ""):gsub("FlagValues$", ""):gsub("Flags$", "")
  return "VIR_" .. words:gsub("(%u)(%u%l)", "%1_%2"):gsub("(%l)(%u)", "%1_%2"):upper() .. "_"
end

-- Up to which "_" all constants are the same: for an enumeration that is in no table.
local function common(values)
  local prefix
  for _, one in ipairs(values) do
    prefix = prefix or one.name:match("^.*_")
    while prefix ~= "" and one.name:sub(1, #prefix) ~= prefix do
      prefix = prefix:sub(1, -2):match("^.*_") or ""
    end
  end
  return prefix or ""
end

-- The word for a constant of an enumeration, as "live"; nil for one that is none of its.
function names.word(description, enum, constant)
  local values = description.enums[enum]
  local prefix = PREFIX[enum] or derived(enum)
  if constant:sub(1, #prefix) ~= prefix and not PREFIX[enum] then
    prefix = common(values)
  end
  local word = constant:sub(1, #prefix) == prefix and constant:sub(#prefix + 1):lower() or nil
  return word and (word:gsub("^(%d)", "n%1"))
end

return names
