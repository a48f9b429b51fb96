import { answerAuth } from "@/server/auth-responses";

export { answerAuth as GET, answerAuth as POST };
