-- Asks Sallyport whether a request may go on. haproxy.cfg beside this file has the lines for it,
-- and docs/decision.md the reasons. For HAProxy 2.6 and later, which have an HTTP client for Lua.

local FRAMING = {
  ["connection"] = true,
  ["content-length"] = true,
  ["date"] = true,
  ["keep-alive"] = true,
  ["transfer-encoding"] = true,
}

-- What is not the client's to say, and what belongs to one connection.
local NOT_SENT = {
  ["connection"] = true,
  ["content-length"] = true,
  ["expect"] = true,
  ["host"] = true,
  ["keep-alive"] = true,
  ["te"] = true,
  ["transfer-encoding"] = true,
  ["upgrade"] = true,
  ["x-forwarded-host"] = true,
  ["x-forwarded-method"] = true,
  ["x-forwarded-proto"] = true,
  ["x-forwarded-uri"] = true,
}

local PROBLEM = '{"error":"decision_unavailable","title":"The request could not be decided about."}'

local function refuse(txn, status, headers, body)
  local reply = txn:reply({ status = status })
  for name, values in pairs(headers) do
    if not FRAMING[name] then
      for _, value in pairs(values) do
        reply:add_header(name, value)
      end
    end
  end
  reply:set_body(body or "")
  txn:done(reply)
end

-- Fields of a client that are told. With more than tune.http.maxhdr (101) in all, HAProxy 2.6 ends.
local FIELDS_MAX = 90

-- The fields of the client's request as the HTTP client of HAProxy takes them, and their number.
local function fields_of(txn)
  local fields = {}
  local count = 0
  for name, values in pairs(txn.http:req_get_headers()) do
    if not NOT_SENT[name] then
      local list = {}
      for index = 0, #values do
        list[#list + 1] = values[index]
      end
      fields[name] = list
      count = count + #list
    end
  end
  return fields, count
end

-- http-request lua.sallyport_ask <URL of /forward-auth>
-- A refusal is the answer. Otherwise what is known of the caller waits for sallyport_tell.
core.register_action("sallyport_ask", { "http-req" }, function(txn, url)
  -- The whole field: req_hdr would be what follows the last comma in it.
  local host, target = txn.sf:req_fhdr("host"), txn.sf:pathq()
  -- At the end of a field the native server of the gateway does not see such bytes.
  if (host .. target):find("[^\33-\126]") then
    refuse(txn, 400, {}, "")
    return
  end
  local is_tls = txn.f:ssl_fc()
  local fields, count = fields_of(txn)
  if count > FIELDS_MAX then
    refuse(txn, 431, {}, "")
    return
  end
  fields["x-forwarded-method"] = { txn.sf:method() }
  fields["x-forwarded-proto"] = { (is_tls == true or is_tls == 1) and "https" or "http" }
  fields["x-forwarded-host"] = { host }
  fields["x-forwarded-uri"] = { target }

  local asked, answer = pcall(function()
    return core.httpclient():get({ url = url, headers = fields })
  end)
  if not asked or answer == nil or answer.status == nil or answer.status == 0 then
    refuse(txn, 503, { ["content-type"] = { "application/problem+json" } }, PROBLEM)
  elseif answer.status == 200 then
    txn:set_priv(answer.headers)
  else
    refuse(txn, answer.status, answer.headers, answer.body)
  end
end, 1)

-- http-request lua.sallyport_tell
core.register_action("sallyport_tell", { "http-req" }, function(txn)
  for name, values in pairs(txn:get_priv() or {}) do
    -- How long an answer may be kept (decision.maxAge) is none of the identity.
    if not FRAMING[name] and name ~= "cache-control" then
      txn.http:req_del_header(name)
      for _, value in pairs(values) do
        txn.http:req_add_header(name, value)
      end
    end
  end
end, 0)
