import { authenticate } from "@/server/auth-responses";

export async function POST(request: Request): Promise<Response> {
  return authenticate(request, "/sign-in/email", ["email", "password"], 200);
}
