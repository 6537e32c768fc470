import type { TokenAuthority } from "../../auth/token_authority.ts";
import type { Broker } from "../../broker/broker.ts";
import { formatId } from "../../sse/log_position.ts";
import type { Clock } from "../../lib/clock.ts";
import { readTokenRequest } from "../../requests/token_request.ts";
import { answer, wantsJson } from "../answers.ts";
import { contentTypeOf, readFields } from "../body.ts";
import type { BodyLimits } from "../body_limits.ts";
import type { RouteHandler } from "../router.ts";

/** What issuing tokens works with. */
export interface IssueTokenDeps {
  readonly broker: Broker;
  readonly tokens: TokenAuthority;
  readonly clock: Clock;
  readonly bodyLimits: BodyLimits;
}

/**
 * `POST /token/`: signs a token for one user. In JSON the answer also tells the id from which the
 * user's first stream may begin, so that nothing is lost between this request and that stream.
 */
export function issueTokenHandler(deps: IssueTokenDeps): RouteHandler {
  const { broker, tokens, clock, bodyLimits } = deps;
  return async ({ request, query, caller }) => {
    const fields = await readFields(request, contentTypeOf(request), query, bodyLimits);
    const wanted = readTokenRequest(fields);
    caller.requireFor("token", tokens.grantedBy(wanted));
    const notIssuedBefore = broker.revocations.known.timeAfterLast(wanted.user);
    const token = await tokens.sign(wanted, clock.wall() / 1000, notIssuedBefore);
    if (!wantsJson(request)) return answer(200, token);
    const { seq, epoch } = broker.head;
    return answer(200, { token, lastEventId: formatId(seq, epoch) });
  };
}
