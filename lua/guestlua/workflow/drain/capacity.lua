-- What a host can take: the memory that is free there, and whether its processor has all that a guest's has.

local core = require("guestlua.core")
local retry = require("guestlua.workflow.retry")

local capacity = {}

local is = core.Error.is

-- ---- memory ----

-- The memory that the running guests may have altogether, in bytes. Statistics are one call; a driver without them is asked guest by guest.
local function promised(host)
  local kib, stats = 0, host:stats({ groups = { "balloon" }, active = true, nowait = true })
  for _, guest in ipairs(host:guests({ active = true })) do
    local one <close> = guest
    local balloon = stats[one.name] and stats[one.name].balloon
    kib = kib + (balloon and balloon.maximum or one:get_info().max_mem_kb)
  end
  return kib * 1024
end

-- The bytes that more guests can have: what the machine has and no running guest may take, or what is free now if that is less.
function capacity.free_memory(host)
  local free = host:get_info().memory * 1024 - promised(host)
  local ok, now = pcall(host.get_memory_stats, host)
  if ok and now.free then
    free = math.min(free, (now.free + (now.buffers or 0) + (now.cached or 0)) * 1024)
  elseif not ok and not is(now, "no_support") then
    error(now, 0)
  end
  return free
end

-- ---- processor ----

-- What a host has to be asked for a guest: the method and its arguments; nil if any host can run such a guest. own: a function that gives the
-- processor of the host that it is on, which it may have as it is.
local function question(own, domain, active)
  local cpu, kind = domain.cpu, domain.os and domain.os.type or {}
  if not cpu then
    return nil
  elseif cpu.mode == "host-passthrough" then
    if active and domain.type == "kvm" and own() then
      return "compare_cpu", own()
    end
  elseif cpu.model and (cpu.mode or "custom") == "custom" then
    return "compare_hypervisor_cpu", nil, kind.arch, kind.machine, domain.type, tostring(cpu)
  end
end

-- A driver that does not know, or does not say over a read-only connection, as a dry run's are.
local UNKNOWN = { no_support = true, operation_denied = true }

-- A function that says why a host cannot run a guest with its processor: nil if it can, or if its driver does not know. domain: the guest's XML, an
-- Element; active: it runs, and cannot do with less than it has. A host is asked once for guests that are alike.
function capacity.processors(source)
  local known, xml = {}, nil
  local function own()
    local cpu = xml == nil and core.element(source:get_capabilities()).host.cpu
    xml = xml or cpu and cpu.model and tostring(cpu) or false
    return xml
  end
  return function(host, domain, active)
    local asked = table.pack(question(own, domain, active))
    if not asked[1] then
      return nil
    end
    local words = { host.uri }
    for i = 1, asked.n do
      words[#words + 1] = tostring(asked[i])
    end
    local key = table.concat(words, "\0")
    if known[key] == nil then
      local ok, answer = retry.try(host[asked[1]], host, table.unpack(asked, 2, asked.n))
      known[key] = ok and answer == "incompatible" and "its processor cannot do all that the guest's can"
        or not ok and not UNKNOWN[answer.kind] and "its processor cannot be compared: " .. answer.message or false
    end
    return known[key] or nil
  end
end

return capacity
