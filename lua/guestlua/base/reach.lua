-- Which URIs this program opens, or hands to a libvirt that opens them: all of them, unless it runs scripts that it does not trust. A URI may name a
-- program to start (command=, netcat=), a file (test:///path) or a directory for an embedded driver, whoever opens it.
--
-- A function that takes a URI from its caller asks before anything is begun, reach.check(method, uri), and opens it by reach.open. sandbox/init.lua
-- says which there are.

local core = require("guestlua.core")

local reach = {}

local allowed -- a function; nil: all are

local vouched = {} -- of hosts that are open: a script has those from its program

-- From now on only those for which the function gives true.
function reach.restrict(is_allowed)
  allowed = is_allowed
end

-- Whether there are URIs that are not opened.
function reach.is_restricted()
  return allowed ~= nil
end

-- The URI of a Host that is open.
function reach.of(host)
  core.check_self(host, "Host", "uri")
  local uri = host.uri
  vouched[uri] = allowed and true
  return uri
end

function reach.check(method, uri)
  if allowed and not vouched[uri or false] and not allowed(uri) then
    error(core.Error.new({ kind = "not_allowed", op = method, message = ("%s: a script in a sandbox opens no connection but the one that it was "
      .. "given, and test:///default"):format(method) }), 0)
  end
end

-- Opens one that a caller has given. What is not trusted changes nothing through it.
function reach.open(method, uri, options)
  reach.check(method, uri)
  options.readonly = reach.is_restricted() or options.readonly
  return core.open(uri, options)
end

return reach
